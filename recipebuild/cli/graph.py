"""``graph``: the steps of a recipe as a picture."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def graph(
    recipe: opt.Recipe,
    format: Annotated[
        Literal["mermaid", "dot", "svg"], typer.Option("--format", help="The format of the picture.")
    ] = "mermaid",
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    templates: opt.Templates = None,
    as_json: opt.Json = False,
) -> None:
    """Draw the steps of a recipe, cached or to be built. Builds nothing.

    Example: recipebuild graph quickstart --format svg
    """
    from recipebuild.verbs.graph import Options, graph, picture

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store, templates=templates)
    if as_json:
        print_json([graph(recipe, options)])
        return
    typer.echo(picture(recipe, format, options), nl=False)
