"""``lock``."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def lock(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    as_json: opt.Json = False,
) -> None:
    """Write <name>.lock beside each recipe. It pins model, calibration set, toolchain and packages for run --locked.

    Example: recipebuild lock recipes/mine.yaml
    """
    from recipebuild.cli.live import display
    from recipebuild.formats.part import printed
    from recipebuild.verbs.lock import Options, lock

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store)
    with display() as on_event:
        paths = lock(recipes, options, on_event)
    if as_json:
        pairs = zip(recipes, paths, strict=True)
        print_json([printed("lock", recipe=recipe, file=str(path)) for recipe, path in pairs])
    else:
        typer.echo("\n".join(map(str, paths)))
