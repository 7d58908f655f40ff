"""``models``: which families, tasks and recipes there are."""

from __future__ import annotations

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json


def models(as_json: given.Json = False) -> None:
    """List families with the hub ids that build without a download, and the shipped recipes.

    Example: recipebuild models
    """
    from recipebuild.models.families import family_table
    from recipebuild.models.tasks import TASKS
    from recipebuild.shipped import shipped

    rows = family_table()
    recipes = sorted(path.stem for path in shipped("recipes").glob("*.yaml"))
    if as_json:
        print_json([{"tasks": sorted(TASKS), "families": rows, "recipes": recipes}])
        return
    for row in rows:
        typer.echo(f"{row['family']:23}{row['task']:26}{row['ids']}")
    typer.echo("These build with --weights random, without a network. Any other transformers model of these tasks")
    typer.echo("builds from a folder or from the hub.")
    typer.echo(f"recipes: {', '.join(recipes)}")
