"""``accept``."""

from __future__ import annotations

from pathlib import Path

import typer

from recipebuild.cli import options as given


def accept(
    recipes: given.Recipes,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    build_dir: given.BuildDir = Path("build"),
) -> None:
    """Write <name>.accepted.json beside each recipe: the figures of its build, for later builds to be compared with.

    Example: recipebuild accept recipes/mine.yaml
    """
    from recipebuild.accepted import accept
    from recipebuild.prepare import Options

    options = Options(sets=given.merged_sets(sets, weights, toolchain), build_dir=build_dir)
    typer.echo("\n".join(map(str, accept(recipes, options))))
