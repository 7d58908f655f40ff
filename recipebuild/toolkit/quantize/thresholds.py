"""Where to clip: a tensor's range from its histogram, narrower than its extremes where that loses less.

    percentile(histogram, "U8")   99.99 % of the values on either side
    mse(histogram, "U8")          the least squared error
    kl(histogram, "U8")           the least loss of information

Each gives a part of the histogram's range. The codes go over a range that is widened to contain zero; those of signed
types as far below zero as above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.numbers import BITS, SIGNED, Type
from recipebuild.toolkit.quantize.ranges import Range

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recipebuild.toolkit.quantize.histograms import Histogram

    Vector = npt.NDArray[np.float64]

_PERCENTILE = 0.9999
_HALVINGS = 10
_PER_HALVING = 16
_FIRST_BIN = 128
_BIN_STEP = 128
_SMALL = 0.002
"""The share of bins next to zero that do not count."""
_SMOOTHED = 1e-4
"""How many values Q has in the last bin if it is empty there, where P has the clipped ones; ONNX Runtime's figure."""


def percentile(histogram: Histogram, kind: Type) -> Range:
    """The range without the lowest and the highest 0.01 % of the values, to the bins' outer edges.

    99.99 % is what PPQ takes (github.com/OpenPPL/ppq, OBSERVER_PERCENTILE in ppq/core/common.py) and the default of
    NVIDIA's pytorch-quantization. PPQ averages the percentiles of the batches; here they are those of all values.
    """
    import numpy as np

    if histogram.width == 0:
        return histogram.range
    counts = histogram.counts.copy()
    low = histogram.range.low
    counts[int(np.clip(-low / histogram.width, 0, len(counts) - 1))] += histogram.zeros
    share = np.cumsum(counts) / counts.sum()
    first = int(np.searchsorted(share, 1 - _PERCENTILE, side="right"))
    last = int(np.searchsorted(share, _PERCENTILE, side="left"))
    return _clipped(histogram, low + first * histogram.width, low + (last + 1) * histogram.width)


def mse(histogram: Histogram, kind: Type) -> Range:
    """The range with the least expected squared error of quantization, each end searched on its own.

    A value inside [a, b] is off by the rounding to steps s = (b - a) / 255, on average s^2 / 12; one outside by its
    distance to the end where it is clipped (Banner et al., "Post training 4-bit quantization of convolutional networks
    for rapid-deployment", NeurIPS 2019). Each end is tried from the extreme value down to a 1024th of it, in
    sixteen steps for each factor of two.
    """
    import numpy as np

    factors = np.exp2(-np.arange(_HALVINGS * _PER_HALVING + 1) / _PER_HALVING)
    count, center = histogram.counts, histogram.centers
    steps = 2 ** BITS[kind] - 1
    low, high = min(histogram.range.low, 0.0), max(histogram.range.high, 0.0)
    if kind in SIGNED:
        threshold = max(-low, high) * factors
        outside = np.maximum(np.abs(center) - threshold[:, None], 0)
        error = outside**2 @ count + (count.sum() - (outside > 0) @ count) * (2 * threshold / steps) ** 2 / 12
        best = float(threshold[int(np.argmin(error))])
        return _clipped(histogram, -best, best)
    lows, highs = low * factors[:, None], high * factors[:, None]
    clipped = (np.maximum(lows - center, 0) ** 2 @ count)[:, None] + np.maximum(center - highs, 0) ** 2 @ count
    inside = count.sum() - ((center < lows) @ count)[:, None] - (center > highs) @ count
    step = (highs.T - lows) / steps
    loss = clipped + inside * step**2 / 12
    best_low, best_high = np.unravel_index(np.argmin(loss), loss.shape)
    return _clipped(histogram, float(lows[best_low, 0]), float(highs[best_high, 0]))


def kl(histogram: Histogram, kind: Type) -> Range:
    """The range that keeps most of the distribution, by TensorRT's entropy calibration.

    S. Migacz, "8-bit Inference with TensorRT", GTC 2017: for each threshold T, the distribution P of |x| with all above
    T in the last bin, and the distribution Q that is left of it when the bins up to T are merged to as many as there
    are codes and spread again over the bins that were not empty; the T with the least KL(P || Q).

    As PPQ has it (github.com/OpenPPL/ppq, TorchHistObserver in ppq/quantization/observer/range.py): 4,096 bins,
    thresholds 128 bins apart, and the first 0.2 % of bins do not count: what is next to zero is much and means little.

    TensorRT has 128 codes for |x|; here they are as many of the 256 as lie between zero and T, or -T, for this tensor.
    At least half of the values must be below T: where all are above, as behind a Sqrt, P and Q are the same lone bin.
    """
    import numpy as np

    whole = histogram.range
    if histogram.width == 0 or not histogram.counts.any():
        return whole
    # As wide as the histogram's own, but never more than that many: the range may be narrow and far from zero.
    width = max(histogram.width, max(abs(whole.low), abs(whole.high)) / len(histogram.counts))
    bins = (np.abs(histogram.centers) / width).astype(np.int64)
    magnitudes = np.bincount(bins, histogram.counts).astype(np.float64)
    small = int(len(magnitudes) * _SMALL)
    magnitudes[:small], magnitudes[small] = 0, 1
    median = int(np.searchsorted(np.cumsum(magnitudes), magnitudes.sum() / 2))
    ends = [*range(max(_FIRST_BIN, median + 1), len(magnitudes), _BIN_STEP), len(magnitudes)]
    losses = []
    for end in ends:
        span = min(max(whole.high, 0.0), end * width) + min(max(-whole.low, 0.0), end * width)
        span = 2 * end * width if kind in SIGNED else span
        losses.append(_divergence(magnitudes, end, codes=2 ** BITS[kind] * end * width / span))
    best = ends[len(ends) - 1 - int(np.argmin(losses[::-1]))]  # of equals the widest
    return whole if best == len(magnitudes) else _clipped(histogram, -best * width, best * width)


def _divergence(magnitudes: Vector, end: int, codes: float) -> float:
    """KL(P || Q) in nats for a threshold at the bin ``end``."""
    import numpy as np

    inside = magnitudes[:end]
    p = inside.copy()
    p[-1] += magnitudes[end:].sum()
    code = (np.arange(end) * (min(codes, end) / end)).astype(np.int64)
    filled = inside > 0
    members = np.bincount(code, filled)
    q = np.where(filled, (np.bincount(code, inside) / np.maximum(members, 1))[code], 0.0)
    q[-1] = max(q[-1], _SMOOTHED)
    held = p > 0
    p, q = p[held] / p.sum(), q[held] / q.sum()
    return float((p * np.log(p / q)).sum())


def _clipped(histogram: Histogram, low: float, high: float) -> Range:
    return Range(max(histogram.range.low, low), min(histogram.range.high, high))
