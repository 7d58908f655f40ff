"""``lock``."""

from __future__ import annotations

import typer

from recipebuild.cli import options as given


def lock(
    recipes: given.Recipes,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
) -> None:
    """Write <name>.lock beside each recipe: model, calibration set, toolchain and packages, for run --locked.

    Example: recipebuild lock recipes/mine.yaml
    """
    from recipebuild.cli.live import display
    from recipebuild.lock import lock
    from recipebuild.prepare import Options

    options = Options(sets=given.merged_sets(sets, weights, toolchain), store=store)
    with display() as on_event:
        paths = lock(recipes, options, on_event)
    typer.echo("\n".join(map(str, paths)))
