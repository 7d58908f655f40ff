"""``models``: which families, tasks and recipes there are."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def models(as_json: opt.Json = False) -> None:
    """List families with the hub ids that build without a download, and the shipped recipes.

    Example: recipebuild models
    """
    from recipebuild.verbs.models import models

    known = models()
    if as_json:
        print_json([known])
        return
    for row in known["families"]:
        typer.echo(f"{row['family']:23}{row['task']:26}{row['ids']}")
    typer.echo("These build with --weights random, without a network. Any other transformers model of these tasks")
    typer.echo("builds from a folder or from the hub.")
    typer.echo(f"recipes: {', '.join(known['recipes'])}")
