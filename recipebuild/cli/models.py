"""``models``: which families, tasks and recipes there are."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def models(as_json: opt.Json = False) -> None:
    """List the shipped recipes and the cost of their models. Also lists the families that need no download.

    Times are estimates for AX650N with all three cores. Accuracy is the float model's, as its authors published it.

    Example: recipebuild models
    """
    from rich.console import Console

    from recipebuild.verbs.models import models, table

    known = models()
    if as_json:
        print_json([known])
        return
    console = Console()
    typer.echo(table(known["models"], console.width if console.is_terminal else None))
    typer.echo("\nWith --weights random these build without a network:\n")
    for row in known["families"]:
        typer.echo(f"{row['family']:23}{row['task']:26}{row['ids']}")
    typer.echo(
        "\nAny other transformers model of these tasks builds from a folder or from the hub: recipebuild new MODEL"
    )
