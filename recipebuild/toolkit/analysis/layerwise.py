"""How far each tensor of a quantized model is from the float model's, over some images.

Use: ``layer_errors(model, quantized, twins, channel_axes(model), batches)["conv_out"].alone.snr_db``.

All is measured inside one running graph, as sums and extremes: memory depends neither on the number of images nor on
that of the tensors, and one pass over the images is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.analysis.session import OrtSession, feed
from recipebuild.toolkit.analysis.side_by_side import ALONE, END_TO_END, of, side_by_side
from recipebuild.toolkit.analysis.tensor_pairs import Twin
from recipebuild.toolkit.graph.model import opset_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batch

    Vector = npt.NDArray[np.float64]

_SENSES = {"alone": ALONE, "end_to_end": END_TO_END}
_DIGITS = 4


@dataclass(frozen=True)
class Error:
    """The distance of b, the quantized tensor, from a, the float one, over all images.

    Attributes:
        cosine: sum(a b) / sqrt(sum(a^2) sum(b^2)), -1..1; ``None`` if either is all zero.
        snr_db: 10 log10(sum(a^2) / sum((a - b)^2)); ``None`` if they are equal, or a is all zero.
        mse: The mean of (a - b)^2.
        noise: sum((a - b)^2) / sum(a^2), what ``snr_db`` is of; 0 if they are equal or a is all zero.
    """

    cosine: float | None
    snr_db: float | None
    mse: float
    noise: float


@dataclass(frozen=True)
class LayerError:
    """A tensor's values, and its error in both senses.

    Attributes:
        low: The float tensor's smallest value.
        high: Its largest.
        outlier: log2(max|a| / m), where m is the median over the channels of each one's max|a|: how many bits of the
            codes the channel with the largest values costs the usual one. ``None`` without channels.
        alone: The layer by itself, on the float model's tensors.
        end_to_end: With all that the layers before it lost.
    """

    low: float
    high: float
    outlier: float | None
    alone: Error
    end_to_end: Error


def layer_errors(
    model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    twins: Mapping[str, Twin],
    others: Mapping[str, Sequence[int]],
    batches: Iterable[Batch | Mapping[str, Any]],
    on_batch: Callable[[int], None] = lambda _: None,
) -> dict[str, LayerError]:
    """The error of each tensor in ``others``, by its name, over all batches.

    Args:
        model: The float model.
        quantized: The quantized one.
        twins: What ``find_twins`` gives for them.
        others: The float32 tensors to measure, and of each the axes that are not its channels; none if it has none.
        batches: The models' only input, float32, or arrays by the names of several.
        on_batch: Told how many batches are done.

    Raises:
        StepError: If ONNX Runtime cannot run the models.
    """
    import numpy as np

    chosen = {name: twin for name, twin in twins.items() if name in others}
    meter = _Meter(quantized, others)
    graph = side_by_side(model, quantized, chosen, meter.nodes)
    session = OrtSession(_with_outputs(graph, meter.outputs), meter.outputs)
    sums: Vector | None = None
    extremes: dict[str, tuple[float, float]] = {}
    channels: dict[str, Vector] = {}
    for done, batch in enumerate(batches, 1):
        values = dict(zip(meter.outputs, session(feed(model, batch)), strict=True))
        now = np.array([[values[tensor] for tensor in meter.sums(name)] for name in chosen], np.float64)
        sums = now if sums is None else sums + now
        for name in chosen:
            low, high, peaks = (values[tensor] for tensor in meter.shapes(name))
            before = extremes.get(name, (math.inf, -math.inf))
            extremes[name] = min(before[0], float(low)), max(before[1], float(high))
            channels[name] = np.maximum(channels.get(name, np.float64(0)), peaks)
        on_batch(done)
    if sums is None:
        return {}
    errors = {}
    for name, (count, aa, *rest) in zip(chosen, sums.tolist(), strict=True):
        ends = extremes[name]
        outlier = _outlier(channels[name]) if others[name] else None
        alone, end_to_end = _error(count, aa, *rest[:3]), _error(count, aa, *rest[3:])
        errors[name] = LayerError(_rounded(ends[0]), _rounded(ends[1]), outlier, alone, end_to_end)
    return errors


class _Meter:
    """The nodes that measure a tensor, and the names of what they give."""

    def __init__(self, model: onnx.ModelProto, others: Mapping[str, Sequence[int]]) -> None:
        self._fed = {value.name for value in model.graph.input}
        self._others = others
        self._number = {name: f"m/{i}" for i, name in enumerate(others)}
        # From opset 18 on, ReduceMax takes its axes as an input.
        self._by_input = opset_of(model) >= 18
        self.outputs: list[str] = []

    def sums(self, name: str) -> list[str]:
        """Number of values, sum(a^2), and for each sense sum(b^2), sum(a b), sum((a - b)^2)."""
        at = self._number[name]
        return [
            f"{at}/n",
            f"{at}/aa",
            *(f"{at}/{sense}/{product}" for sense in _SENSES for product in ("bb", "ab", "dd")),
        ]

    def shapes(self, name: str) -> list[str]:
        """Smallest and largest value, and the largest magnitude of each channel."""
        at = self._number[name]
        return [f"{at}/low", f"{at}/high", f"{at}/peaks"]

    def nodes(self, twin: Twin) -> Iterator[onnx.NodeProto]:
        """The nodes that measure a tensor, once it is there in all senses."""
        from onnx.helper import make_node

        a, at = twin.values, self._number[twin.tensor]
        self.outputs += [*self.sums(twin.tensor), *self.shapes(twin.tensor)]
        yield make_node("Size", [a], [f"{at}/n"])
        yield make_node("ReduceSumSquare", [a], [f"{at}/aa"], keepdims=0)
        yield make_node("ReduceMin", [a], [f"{at}/low"], keepdims=0)
        yield make_node("ReduceMax", [a], [f"{at}/high"], keepdims=0)
        yield make_node("Abs", [a], [f"{at}/abs"])
        axes = list(self._others[twin.tensor])
        if axes and self._by_input:
            yield make_node("Constant", [], [f"{at}/axes"], value_ints=axes)
            yield make_node("ReduceMax", [f"{at}/abs", f"{at}/axes"], [f"{at}/peaks"], keepdims=0)
        else:
            yield make_node("ReduceMax", [f"{at}/abs"], [f"{at}/peaks"], keepdims=0, **({"axes": axes} if axes else {}))
        for sense, part in _SENSES.items():
            b, here = of(part, twin.seen, self._fed), f"{at}/{sense}"
            yield make_node("ReduceSumSquare", [b], [f"{here}/bb"], keepdims=0)
            yield make_node("Mul", [a, b], [f"{here}/a*b"])
            yield make_node("ReduceSum", [f"{here}/a*b"], [f"{here}/ab"], keepdims=0)
            yield make_node("Sub", [a, b], [f"{here}/a-b"])
            yield make_node("ReduceSumSquare", [f"{here}/a-b"], [f"{here}/dd"], keepdims=0)


def _with_outputs(graph: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The graph, giving what is measured."""
    import onnx

    for name in names:
        kind = onnx.TensorProto.INT64 if name.endswith("/n") else onnx.TensorProto.FLOAT
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    return graph


def _error(count: float, aa: float, bb: float, ab: float, dd: float) -> Error:
    """From number of values, sum(a^2), sum(b^2), sum(a b), sum((a - b)^2)."""
    noise = dd / aa if aa > 0 else 0.0
    return Error(
        cosine=round(ab / math.sqrt(aa * bb), 6) if aa > 0 and bb > 0 else None,
        snr_db=round(-10 * math.log10(noise), 2) if noise > 0 else None,
        mse=_rounded(dd / count),
        noise=noise,
    )


def _outlier(peaks: Vector) -> float | None:
    """log2 of the largest channel over the median one; of the channels that are not all zero."""
    import numpy as np

    alive = peaks[peaks > 0]
    return round(float(np.log2(alive.max() / np.median(alive))), 2) if alive.size else None


def _rounded(value: float) -> float:
    """To as many digits as are the same on every machine."""
    return float(f"{value:.{_DIGITS}g}")
