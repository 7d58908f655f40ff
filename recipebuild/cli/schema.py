"""``schema``: the JSON Schema of recipes, for editors, and of the files that builds leave."""

from __future__ import annotations

from typing import Annotated

import typer

from recipebuild.cli.exits import print_json


def schema(
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE]",
            help="recipe; a file: manifest, model, quant, lint or accepted; or a command whose --json it describes: "
            "render, report, graph, accept or lock.",
        ),
    ] = "recipe",
) -> None:
    """Print the JSON Schema of recipes, files or --json output.

    See `recipebuild help editors` for completion and checks in your editor.

    Example: recipebuild schema

    Example: recipebuild schema manifest
    """
    from recipebuild.verbs.schema import json_schema

    print_json([json_schema(file)])
