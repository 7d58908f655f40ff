"""``check``, ``render`` and ``schema``: what can be said of a recipe without building anything."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import mark, print_json, say
from recipebuild.cli.forecast import span
from recipebuild.errors import RecipeError


def check(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    as_json: opt.Json = False,
) -> None:
    """Check recipes. Reports every mistake with file and line, and warns of what will not run well.

    For ONNX files and for models exported before, it also lists the nodes that the NPU does not support.

    Example: recipebuild check recipes/mine.yaml

    Example: recipebuild check quickstart b0-cityscapes --json
    """
    from recipebuild.verbs.check import Options, check

    checked = check(recipes, Options(sets=opt.merged_sets(sets, weights, toolchain), store=store))
    if as_json:
        print_json([one.as_json() for one in checked])
    for one in checked:
        if one.problems:
            mark(one.problems)
            say("\n".join(f"error: {problem}" for problem in one.problems))
        elif not as_json:
            took = f" (the last build took {span(one.seconds)})" if one.seconds is not None else ""
            typer.echo("\n".join([f"{one.recipe}: ok{took}", *(f"  {note}" for note in one.notes)]))
    if any(one.problems for one in checked):
        raise typer.Exit(RecipeError.exit_code)
