"""How long a model may take on a chip: on AX650 by ``estimate.py``, on others AX650's estimate for one core, scaled.

    t = k * t(AX650, NPU1)

k is fitted by least squares on the relative error, on the models that were published for the chip. They are 10 to 19,
mostly convolutions: too few for the five factors of ``estimate.py``.

The error is that of leaving one out, of AX650's fit as well as of the factor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recipebuild.errors import RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.board.costs import Costs
from recipebuild.toolkit.board.estimate import SHARE, Estimate, MeasuredModel, estimate, latencies, one_core, table

AX650 = "AX650"
"""The chip with five factors of its own."""

Measured = tuple[MeasuredModel, float]
"""A model of the public table, and milliseconds on the chip."""


def estimate_for(hardware: str, npu_mode: str, costs: Costs, own: Sequence[MeasuredModel] = ()) -> Estimate:
    """What a model of such costs may take on a chip that a recipe may name.

    Args:
        hardware: A chip's name, such as ``AX650``.
        npu_mode: Such as ``NPU3``.
        costs: The model's costs.
        own: Models that you measured on AX650, beside the public ones.

    Raises:
        RecipeError: If there are no public measurements of the chip, or none in that mode.
    """
    chip = check_known(hardware)
    return estimate(costs, npu_mode, own) if chip == AX650 else estimate_on(chip, costs, npu_mode)


def check_known(hardware: str) -> str:
    """The row of ``latency.yaml`` that stands for a chip.

    Raises:
        RecipeError: If there are no public measurements of the chip.
    """
    if chip := CHIPS[hardware].latency:
        return chip
    known = ", ".join(chip.name for chip in CHIPS.values() if chip.latency)
    raise RecipeError(
        f"there are no public measurements of {hardware}",
        remedy=f"estimates are for {known}; measure it: recipebuild board run",
    )


def estimate_on(chip: str, costs: Costs, npu_mode: str) -> Estimate:
    """What a model of such costs may take.

    Args:
        chip: A chip of ``latency.yaml`` that is not AX650.
        costs: The model's costs.
        npu_mode: ``NPU1`` or ``NPU2``.

    Raises:
        RecipeError: If nothing was measured on the chip in that mode.
    """
    modes = latencies()["chips"][chip]
    if npu_mode not in modes:
        raise RecipeError(
            f"nothing is known of the speed of {npu_mode} on {chip}",
            remedy=f"set target.npu_mode: {' or '.join(modes)}",
        )
    published = modes[npu_mode]
    models = [(row, published[row.name]) for row in table() if row.name in published]
    factor = _factor(models, one_core())
    errors = sorted(_left_out(at, models) for at in range(len(models)))
    parts = {part: factor * ms for part, ms in estimate(costs, "NPU1").parts.items()}
    ms, error = sum(parts.values()), errors[min(len(errors) - 1, int(SHARE * len(errors)))]
    return Estimate(ms, ms / (1 + error), ms * (1 + error), parts, errors[len(errors) // 2], error, len(models))


def _left_out(at: int, models: Sequence[Measured]) -> float:
    """The relative error of estimating one model as if it had been measured nowhere."""
    model, ms = models[at]
    ax650 = one_core(without=model.name)
    return abs(_factor([*models[:at], *models[at + 1 :]], ax650) * ax650(model.costs) / ms - 1)


def _factor(models: Sequence[Measured], ax650: Callable[[Costs], float]) -> float:
    """k, by least squares of k * ratio - 1."""
    ratios = [ax650(model.costs) / ms for model, ms in models]
    return sum(ratios) / sum(ratio**2 for ratio in ratios)
