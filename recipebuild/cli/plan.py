"""``plan``: the steps of recipes, which are cached, which would be built, and why."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def plan(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    templates: opt.Templates = None,
    until: opt.Until = None,
    as_json: opt.Json = False,
) -> None:
    """Show which steps are cached, which would be built, and why. Builds nothing.

    Example: recipebuild plan recipes/mine.yaml --set calibration.count=64
    """
    from recipebuild.verbs.plan import Options, plan_text, preview

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store, templates=templates, until=until)
    plans = preview(recipes, options)
    if as_json:
        print_json(plans)
    else:
        typer.echo("\n".join(plan_text(one) for one in plans))
