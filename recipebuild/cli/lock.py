"""``lock``."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt


def lock(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
) -> None:
    """Write <name>.lock beside each recipe: model, calibration set, toolchain and packages, for run --locked.

    Example: recipebuild lock recipes/mine.yaml
    """
    from recipebuild.cli.live import display
    from recipebuild.verbs.lock import Options, lock

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store)
    with display() as on_event:
        paths = lock(recipes, options, on_event)
    typer.echo("\n".join(map(str, paths)))
