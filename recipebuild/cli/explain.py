"""``explain``: why a step would be built, or was."""

from __future__ import annotations

from typing import Annotated

import typer

from recipebuild.cli import complete
from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def explain(
    recipe: opt.Recipe,
    step: Annotated[
        str,
        typer.Argument(metavar="STEP", help="The name of a step, such as compile.", autocompletion=complete.steps),
    ],
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    templates: opt.Templates = None,
    as_json: opt.Json = False,
) -> None:
    """Explain why a step was or would be built. Shows what changed, from what to what, in which line.

    Example: recipebuild explain quickstart compile --set calibration.count=16
    """
    from recipebuild.verbs.explain import Options, explain, explain_text

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store, templates=templates)
    entries = explain(recipe, step, options)
    if as_json:
        print_json(entries)
    else:
        typer.echo("\n".join(explain_text(entry) for entry in entries))
