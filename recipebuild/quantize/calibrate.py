"""The range of each activation over the calibration set, by the recipe's method.

Use: ``calibrate(prepare(model, spec), CalibrationSet(archive, spec), "MSE")["relu_out"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from recipebuild.quantize.histograms import Histogram, histograms
from recipebuild.quantize.prepare import activations, measured_at
from recipebuild.quantize.ranges import Range, minmax
from recipebuild.quantize.thresholds import kl, mse, percentile

if TYPE_CHECKING:
    import onnx

    from recipebuild.quantize.dataset import Batches

Method = Literal["MinMax", "Percentile", "MSE", "KL"]

_CLIPPING: Mapping[Method, Callable[[Histogram], Range]] = {"Percentile": percentile, "MSE": mse, "KL": kl}


def calibrate(
    model: onnx.ModelProto,
    batches: Batches,
    method: Method,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> dict[str, Range]:
    """The range of every float activation of the model.

    MinMax goes through the batches once, the others twice: the second time for the histograms between the extremes.

    Args:
        model: What ``prepare`` gives.
        batches: The model's inputs.
        method: How to get from values to a range.
        progress: Told after each batch which fraction is done, and a few words.

    Raises:
        StepError: If a tensor has NaN or infinite values, or ONNX Runtime cannot run the model.
    """
    count, passes = len(batches), 1 if method == "MinMax" else 2

    def on_batch(done: int, earlier: int, what: str) -> None:
        progress((earlier * count + done) / (passes * count), f"{what}image {done} of {count}")

    same = measured_at(model)
    measured = list(dict.fromkeys(same.values()))
    ranges = minmax(model, measured, batches, lambda done: on_batch(done, 0, ""))
    if method != "MinMax":
        sizes = activations(model)
        found = histograms(model, sizes, ranges, batches, lambda done: on_batch(done, 1, "histograms, "))
        ranges = {name: _CLIPPING[method](histogram) for name, histogram in found.items()}
    return {name: ranges[source] for name, source in same.items()}
