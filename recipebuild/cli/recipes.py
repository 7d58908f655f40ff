"""``check``, ``render`` and ``schema``: what can be said of a recipe without building anything."""

from __future__ import annotations

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import mark, print_json, say
from recipebuild.errors import RecipeError


def check(
    recipes: given.Recipes,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
    as_json: given.Json = False,
) -> None:
    """Check recipes: report all mistakes at once, each with its place, and what is worth knowing.

    Of a model that is an ONNX file, or was exported before, it also lists the nodes that the NPU cannot take.

    Example: recipebuild check recipes/mine.yaml

    Example: recipebuild check quickstart b0-cityscapes --json
    """
    from recipebuild.dryrun import check
    from recipebuild.prepare import Options

    found = check(recipes, Options(sets=given.merged_sets(sets, weights, toolchain), store=store))
    if as_json:
        print_json([one.as_json() for one in found])
    for one in found:
        if one.problems:
            mark(one.problems)
            say("\n".join(f"error: {problem}" for problem in one.problems))
        elif not as_json:
            typer.echo("\n".join([f"{one.recipe}: ok", *(f"  {note}" for note in one.notes)]))
    if any(one.problems for one in found):
        raise typer.Exit(RecipeError.exit_code)


def render(recipe: given.Recipe, sets: given.Sets = None, templates: given.Templates = None) -> None:
    """Print the Pulsar2 configuration of a recipe. Builds nothing.

    Example: recipebuild render recipes/mine.yaml
    """
    from recipebuild.dryrun import render
    from recipebuild.prepare import Options

    typer.echo(render(recipe, Options(sets=sets or (), templates=templates)), nl=False)


def schema() -> None:
    """Print the JSON Schema of recipes, for editors; recipebuild help editors tells how they are told of it.

    Example: recipebuild schema
    """
    from recipebuild.recipe.json_schema import json_schema

    print_json([json_schema()])
