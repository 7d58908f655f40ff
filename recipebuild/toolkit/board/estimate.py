"""How long a model may take on AX650N: an estimate, from what others and you have measured, with its error stated.

    t = a C + b M + c W + d I + e + S / B

with C and M the multiply-adds in convolutions and matrix products, W the weights' bytes, I the image's (feature maps
grow with it), and a..e at least 0, fitted by least squares on the relative error, one fit for each NPU mode with
measurements. S / B is not fitted: attention maps that do not fit on the chip are written and read as scores and as
probabilities, at the memory's bandwidth B. Two cores are one core whose multiply-adds take 1 / 1.90.

The error is that of leaving one out: each model estimated by a fit on all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from recipebuild.errors import RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.board.costs import Costs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]

PARTS = ("convolutions", "matrix products", "weights", "feature maps", "fixed")
_PASSES = 4
"""Scores written and read, probabilities written and read; 8 bits each."""

SHARE = 0.8
"""The range holds for this share of the models when each is left out."""


@dataclass(frozen=True)
class MeasuredModel:
    """A model that was measured: its costs, and milliseconds by NPU mode."""

    name: str
    costs: Costs
    ms: Mapping[str, float]


@dataclass(frozen=True)
class Estimate:
    """An estimate, milliseconds.

    Attributes:
        ms: The estimate.
        low: The range's lower end.
        high: Its upper end.
        parts: What it is made of.
        median_error: Leave-one-out: the median of |estimate / measured - 1|.
        range_error: The same, below which 80 % of the models are.
        models: How many models it is fitted on.
    """

    ms: float
    low: float
    high: float
    parts: dict[str, float]
    median_error: float
    range_error: float
    models: int


def table() -> list[MeasuredModel]:
    """The public models."""
    return [
        MeasuredModel(
            row["name"],
            Costs(
                round(row["conv"] * 1e9),
                round(row["matmul"] * 1e9),
                round(row["parameters"] * 1e6),
                3 * row["size"] ** 2,
            ),
            {mode: row[mode] for mode in ("NPU1", "NPU3")},
        )
        for row in latencies()["table"]
    ]


def estimate(costs: Costs, npu_mode: str, own: Sequence[MeasuredModel] = ()) -> Estimate:
    """What a model of such costs may take.

    Args:
        costs: The model's costs.
        npu_mode: ``NPU1``, ``NPU2`` or ``NPU3``.
        own: Models that you measured, beside the public ones.

    Raises:
        RecipeError: If nothing is known of such a mode.
    """
    mode = "NPU1" if npu_mode == "NPU2" else npu_mode
    if mode not in ("NPU1", "NPU3"):
        raise RecipeError(
            f"nothing is known of the speed of {npu_mode}", remedy="estimates are for AX650, NPU1 to NPU3"
        )
    rows = [row for row in (*table(), *own) if mode in row.ms]
    factors = _fit(rows, mode)
    errors = sorted(abs(_total(row.costs, _fit(rows[:i] + rows[i + 1 :], mode)) / row.ms[mode] - 1)
                    for i, row in enumerate(rows))  # fmt: skip
    if npu_mode == "NPU2":
        two_cores = latencies()["engine"]["two_cores"]
        factors = tuple(f / two_cores if i < 2 else f for i, f in enumerate(factors))
    parts = _parts(costs, factors)
    ms, error = sum(parts.values()), errors[min(len(errors) - 1, int(SHARE * len(errors)))]
    return Estimate(ms, ms / (1 + error), ms * (1 + error), parts, errors[len(errors) // 2], error, len(rows))


def one_core(without: str = "") -> Callable[[Costs], float]:
    """Milliseconds on one core of AX650, by a fit on the public models, one of them left out or none."""
    factors = _fit([row for row in table() if row.name != without], "NPU1")
    return lambda costs: _total(costs, factors)


def held_out() -> MeasuredModel:
    """The model that is kept out of the fit, for a check of it."""
    row = latencies()["held_out"]
    counted = Costs(*_counts(row), row["image_bytes"], tuple(row["softmax_sizes"]))
    return MeasuredModel(row["name"], counted, {"NPU3": row["NPU3"]})


def _counts(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return round(row["conv"] * 1e9), round(row["matmul"] * 1e9), round(row["parameters"] * 1e6)


def _features(costs: Costs) -> tuple[float, ...]:
    return costs.conv / 1e9, costs.matmul / 1e9, costs.parameters / 1e6, costs.image_bytes / 1e6, 1.0


def _parts(costs: Costs, factors: Sequence[float]) -> dict[str, float]:
    parts = dict(zip(PARTS, (f * x for f, x in zip(factors, _features(costs), strict=True)), strict=True))
    return {**parts, "attention maps": _attention_ms(costs)}


def _attention_ms(costs: Costs) -> float:
    engine = latencies()["engine"]
    spilled = sum(size for size in costs.softmax_sizes if size > CHIPS["AX650"].on_chip["NPU1"])
    return float(_PASSES * spilled / (engine["gigabytes_per_second"] * 1e6))


def _total(costs: Costs, factors: Sequence[float]) -> float:
    return sum(f * x for f, x in zip(factors, _features(costs), strict=True)) + _attention_ms(costs)


def _fit(rows: Sequence[MeasuredModel], mode: str) -> tuple[float, ...]:
    """The factors a..e: least squares of estimate / measured - 1, none below 0."""
    measured = [(row.costs, row.ms[mode]) for row in rows]
    system = tuple(tuple(feature / ms for feature in _features(costs)) for costs, ms in measured)
    return _least_squares(system, tuple((ms - _attention_ms(costs)) / ms for costs, ms in measured))


@cache  # leaving each model out takes a fit for each, the same ones for every estimate
def _least_squares(system: tuple[tuple[float, ...], ...], rest: tuple[float, ...]) -> tuple[float, ...]:
    """x, none below 0, with the least ``|system x - rest|``.

    There are five unknowns, so every set of them that is not 0 is tried: the best without a negative one is the
    solution.
    """
    import numpy as np

    matrix, right = np.array(system), np.array(rest)
    best: tuple[float, tuple[float, ...]] = (float("inf"), (0.0,) * len(PARTS))
    for size in range(1, len(PARTS) + 1):
        for chosen in combinations(range(len(PARTS)), size):
            coefficients: Vector = np.linalg.lstsq(matrix[:, chosen], right, rcond=None)[0]
            error = float(((matrix[:, chosen] @ coefficients - right) ** 2).sum())
            if (coefficients >= 0).all() and error < best[0]:
                positive = dict(zip(chosen, coefficients.tolist(), strict=True))
                best = (error, tuple(positive.get(i, 0.0) for i in range(len(PARTS))))
    return best[1]


@cache
def latencies() -> dict[str, Any]:
    """``latency.yaml``."""
    text = (Path(__file__).parent / "latency.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data
