"""How long recipes may take on a board, without one: an estimate, and never called anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from recipebuild.engine.events import OnEvent
from recipebuild.errors import Interrupted
from recipebuild.facts.chips import CHIPS
from recipebuild.machine import resolve_toolchain
from recipebuild.plan.plan import only_until
from recipebuild.recipe.load import Variant, load
from recipebuild.session import DEFAULTS, Options, RecipeName, Session, listed, plan_recipe
from recipebuild.toolkit.board.book import measured
from recipebuild.toolkit.board.costs import costs
from recipebuild.toolkit.board.estimate import MeasuredModel, held_out
from recipebuild.toolkit.board.estimate import estimate as estimate_of
from recipebuild.toolkit.board.other_chips import AX650, check_known, estimate_for

__all__ = ["Options", "estimate"]


def estimate(
    recipes: RecipeName | Sequence[RecipeName], options: Options = DEFAULTS, on_event: OnEvent = lambda event: None
) -> list[dict[str, Any]]:
    """For each entry of each recipe what ``estimate --json`` prints. The model is built as far as its last graph.

    Raises:
        RecipeError: If a recipe is wrong, or is for a chip that there are no public measurements of.
        RecipebuildError: If its model cannot be built, as in a run.
    """
    own = measured()
    loaded = [load(recipe, sets=options.sets, cwd=Path.cwd()) for recipe in listed(recipes)]
    return [one for variants in loaded for one in _of_recipe(variants, options, own, on_event)]


def _of_recipe(
    variants: Sequence[Variant], options: Options, own: Sequence[MeasuredModel], on_event: OnEvent
) -> list[dict[str, Any]]:
    for variant in variants:
        check_known(variant.recipe.target.hardware)
    plan = only_until(plan_recipe(variants, replace(options, until=None), resolve_toolchain).plan, "head")
    estimates = []
    with Session(options, plan.steps) as session:
        results = session.run(on_event)
        for variant in variants:
            head = next(results[i] for i in plan.variants[variant.label] if results[i].step.name == "head")
            if head.record is None:
                raise next((result.error for result in results.values() if result.error), Interrupted("interrupted"))
            model = costs(session.store.path(head.record.select("model.onnx")[0]))
            hardware, mode = variant.recipe.target.hardware, variant.recipe.target.npu_mode
            about = {"recipe": plan.name, "variant": variant.label, "hardware": hardware, "npu_mode": mode,
                     "costs": asdict(model)}  # fmt: skip
            check = _check(own) if CHIPS[hardware].latency == AX650 else None
            estimates.append({**about, **asdict(estimate_for(hardware, mode, model, own)), "check": check})
    return estimates


def _check(own: Sequence[MeasuredModel]) -> dict[str, Any]:
    """The same estimate of a model that was measured and is kept out of the fit."""
    model = held_out()
    ((mode, ms),) = model.ms.items()
    return {"name": model.name, "npu_mode": mode, "measured_ms": ms, "ms": estimate_of(model.costs, mode, own).ms}
