"""The range of each group of activations over the calibration set, by the recipe's method.

    measured = measure(baked(model, plan), plan, CalibrationSet(archive, spec), "MSE")
    ranges = group_ranges(plan, measured, "MSE")
    ranges["relu_out"]

What was measured can be asked for the ranges of other plans of the same tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from recipebuild.toolkit.quantize.histograms import Histogram, histograms
from recipebuild.toolkit.quantize.numbers import Type
from recipebuild.toolkit.quantize.prepare import activations, measured_at
from recipebuild.toolkit.quantize.ranges import Range, minmax
from recipebuild.toolkit.quantize.thresholds import kl, mse, percentile

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches
    from recipebuild.toolkit.quantize.plan import QuantizationPlan

Method = Literal["MinMax", "Percentile", "MSE", "KL"]
AnyMethod = Method | Literal["auto"]
"""``auto`` is one of the others for each group: see ``choose.py``."""

_CLIPPING: Mapping[Method, Callable[[Histogram, Type], Range]] = {"Percentile": percentile, "MSE": mse, "KL": kl}


@dataclass(frozen=True)
class ActivationStatistics:
    """What the calibration set makes of a model's activations.

    Attributes:
        ranges: The extremes of each tensor that a plan needs.
        histograms: The distribution between them; empty for MinMax.
        probabilities: Tensors that a Softmax gives. Most of their values are next to 0, and the few large ones are what
            counts: KL, which looks at how many there are of each, would clip those. They have their extremes instead.
    """

    ranges: Mapping[str, Range]
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    probabilities: frozenset[str] = frozenset()


def measure(
    model: onnx.ModelProto,
    plan: QuantizationPlan,
    batches: Batches,
    method: AnyMethod,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> ActivationStatistics:
    """The ranges, and for methods that need them the distributions, of the tensors that a plan needs.

    MinMax goes through the batches once, the others twice: the second time for the histograms between the extremes.

    Args:
        model: In float, with the weights that ``baked`` gives: calibration runs forward on quantized weights.
        plan: Of that model.
        batches: The model's inputs.
        method: How to get from values to a range, later.
        progress: Told after each batch which fraction is done, and a few words.

    Raises:
        StepError: If a tensor has NaN or infinite values, or ONNX Runtime cannot run the model.
    """
    count, passes = len(batches), 1 if method == "MinMax" else 2

    def on_batch(done: int, earlier: int, what: str) -> None:
        progress((earlier * count + done) / (passes * count), f"{what}sample {done} of {count}")

    same = measured_at(model)
    sources = list(dict.fromkeys(same[name] for name in plan.measured))
    ranges = minmax(model, sources, batches, lambda done: on_batch(done, 0, ""))
    by_tensor: dict[str, Histogram] = {}
    if method != "MinMax":
        by_tensor = histograms(
            model, activations(model), ranges, batches, lambda done: on_batch(done, 1, "histograms, ")
        )
    softmax = {node.output[0] for node in model.graph.node if node.op_type == "Softmax"}
    return ActivationStatistics(
        {name: ranges[same[name]] for name in plan.measured},
        {name: by_tensor[same[name]] for name in plan.measured} if by_tensor else {},
        frozenset(name for name in plan.measured if same[name] in softmax),
    )


def group_ranges(plan: QuantizationPlan, measured: ActivationStatistics, method: Method) -> dict[str, Range]:
    """The range of each group: the union of those of its members."""
    by_group = {}
    for group in plan.groups.values():
        each = [
            measured.ranges[name]
            if method == "MinMax" or (method == "KL" and name in measured.probabilities)
            else _CLIPPING[method](measured.histograms[name], group.type)
            for name in group.members
        ]
        by_group[group.name] = Range(min(span.low for span in each), max(span.high for span in each))
    return by_group
