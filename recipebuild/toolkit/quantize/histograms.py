"""How the values of each tensor are distributed over the calibration set.

Use: ``histograms(model, counts, ranges, batches)["relu_out"].counts``.

Of a large tensor every k-th value is taken, inside the running model, k the least number that leaves at most 65,536
and shares no factor with the number of elements, so that the sample goes through all rows, columns and channels. For
thirty-two images that is two million values of a tensor; one run gives tens of megabytes, not gigabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.quantize.probe import Probe
from recipebuild.toolkit.quantize.ranges import Range

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches

BINS = 4096
SAMPLE = 2**16


@dataclass(frozen=True)
class Histogram:
    """Counts of a tensor's values in equal bins.

    Attributes:
        range: From the smallest value, the left edge of the first bin, to the largest, the right edge of the last one.
        counts: int64 [BINS]: the values other than zero.
        zeros: How many values are exactly zero. They cost nothing in any quantization, as zero always has its own
            code, and there are many of them behind a Relu.
    """

    range: Range
    counts: npt.NDArray[np.int64]
    zeros: int

    @property
    def width(self) -> float:
        """Of a bin."""
        return (self.range.high - self.range.low) / len(self.counts)

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """The middle of each bin."""
        import numpy as np

        return np.arange(0.5, len(self.counts)) * self.width + self.range.low


def histograms(
    model: onnx.ModelProto,
    sizes: Mapping[str, int | None],
    ranges: Mapping[str, Range],
    batches: Batches,
    on_batch: Callable[[int], None] = lambda _: None,
) -> dict[str, Histogram]:
    """The distribution of each tensor in ``ranges`` over all batches.

    Args:
        model: The float model.
        sizes: Number of elements of each tensor, ``None`` where it is not known and all values are taken.
        ranges: Smallest and largest value of each tensor over the same batches.
        batches: What to run it on.
        on_batch: Told how many batches are done.
    """
    import numpy as np

    counts = {name: np.zeros(BINS, np.int64) for name in ranges}
    zeros = dict.fromkeys(ranges, 0)
    probe = _sampler(model, {name: stride(sizes[name] or 1) for name in ranges})
    for done, batch in enumerate(batches, 1):
        for name, values in zip(ranges, probe(batch), strict=True):
            nonzero = values[values != 0]
            zeros[name] += values.size - nonzero.size
            low, high = ranges[name].low, ranges[name].high
            if low < high:  # float64, as the bins of a very narrow range differ in nothing else
                counts[name] += np.histogram(nonzero.astype(np.float64), BINS, (low, high))[0]
        on_batch(done)
    return {name: Histogram(ranges[name], counts[name], zeros[name]) for name in ranges}


def stride(size: int) -> int:
    """The k of the k-th values that are taken of a tensor with ``size`` elements."""
    k = math.ceil(size / SAMPLE)
    while math.gcd(k, size) > 1:
        k += 1
    return k


def _sampler(model: onnx.ModelProto, strides: Mapping[str, int]) -> Probe:
    """A probe that gives a float32 vector for each tensor: every k-th value of it."""
    import numpy as np
    from onnx import helper, numpy_helper

    def constant(name: str, value: int) -> Any:
        return numpy_helper.from_array(np.array([value], np.int64), f"recipebuild_{name}")

    steps = {k: constant(f"step_{k}", k) for k in sorted(set(strides.values()))}
    flat, start, end, axis = (
        constant(name, value) for name, value in [("flat", -1), ("start", 0), ("end", 2**62), ("axis", 0)]
    )
    after = {}
    outputs = [f"recipebuild_sample_{i}" for i in range(len(strides))]
    for output, (name, k) in zip(outputs, strides.items(), strict=True):
        flattened = f"{output}_flat"
        slicing = [flattened, start.name, end.name, axis.name, steps[k].name]
        after[name] = [
            helper.make_node("Reshape", [name, flat.name], [flattened]),
            helper.make_node("Slice", slicing, [output]),
        ]
    return Probe(model, after, outputs, [flat, start, end, axis, *steps.values()])
