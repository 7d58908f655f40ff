"""``accept``."""

from __future__ import annotations

from pathlib import Path

import typer

from recipebuild.cli import options as opt


def accept(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    build_dir: opt.BuildDir = Path("build"),
) -> None:
    """Write <name>.accepted.json beside each recipe: the figures of its build, for later builds to be compared with.

    Example: recipebuild accept recipes/mine.yaml
    """
    from recipebuild.verbs.accept import Options, accept

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), build_dir=build_dir)
    typer.echo("\n".join(map(str, accept(recipes, options))))
