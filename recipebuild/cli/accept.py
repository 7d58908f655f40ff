"""``accept``."""

from __future__ import annotations

from pathlib import Path

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def accept(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    build_dir: opt.BuildDir = Path("build"),
    as_json: opt.Json = False,
) -> None:
    """Accept the figures of a build. Writes <name>.accepted.json, which later builds are compared with.

    Example: recipebuild accept recipes/mine.yaml
    """
    from recipebuild.formats.part import printed
    from recipebuild.verbs.accept import Options, accept

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), build_dir=build_dir)
    paths = accept(recipes, options)
    if as_json:
        pairs = zip(recipes, paths, strict=True)
        print_json([printed("accept", recipe=recipe, file=str(path)) for recipe, path in pairs])
    else:
        typer.echo("\n".join(map(str, paths)))
