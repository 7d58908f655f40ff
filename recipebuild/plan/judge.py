"""The step judge: all of the recipe's limits in one place, so that another limit builds nothing else anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from recipebuild.engine.step import Output

if TYPE_CHECKING:
    from recipebuild.plan.steps import Steps


def judged(steps: Steps, compiled: Output, evaluation: Mapping[str, Output]) -> tuple[str, ...]:
    """Add the step where there is anything to judge; give the ids of the steps that what follows has to wait for.

    Args:
        steps: The steps so far.
        compiled: The compiled model.
        evaluation: The figures of the step evaluate, if the recipe has one.
    """
    quantization, evaluate = steps.recipe.quantization, steps.recipe.evaluate
    if not (evaluate or quantization.layers or quantization.strict):
        return ()
    limits = {"strict": quantization.strict, "max_drop": evaluate.max_drop if evaluate else None}
    measured = {"precision": replace(compiled, name="precision.json"), **evaluation}
    return (steps.add("judge", "judge.json", limits, measured).step,)
