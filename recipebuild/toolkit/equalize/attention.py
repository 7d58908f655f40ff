"""Attention over long rows: divide by the sum of a row behind the product with V, not before, and centre V.

    Softmax(S) V = (E (V - c)) / sum_k E_k + c    with    E = exp(S - max_k S_k),    c = mean_k V_k

Over hundreds of keys a row of Softmax(S) holds small numbers, and one scale for all rows of all images, from 0 to the
largest of them, leaves a row few codes. E is 1 at the largest key of each row, so each row has all codes. A product of
two activations takes both in S8: the noise that a row of Softmax(S) has there goes with R / 127.5, where R is the
largest value of all rows, and that of the same row by E with max_k Softmax(S)_k / 127.5, as 1 / sum_k E_k is the
largest value of the row. So what is to be won is

    R^2 / E_rows[ (max_k Softmax(S)_k)^2 ]

(deferred normalization, as in T. Dao et al., "FlashAttention", NeurIPS 2022, arXiv 2205.14135, section 3.1).

Where one key of a row stands out, hundreds of others may hold much of the sum with an E that no code of S8 is small
enough for: they are 0 in the product. Any c leaves the function as it is, as the weights of a row sum to 1. With the
mean of V for it, a key that is lost there counts as an average one, provided that the sum still counts it: so the sum
is taken in 16 bits, too, if the division is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.toolkit.equalize.trial import in_u8, won
from recipebuild.toolkit.graph.model import opset_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.equalize.statistics import Measured
    from recipebuild.toolkit.quantize.view import View

    Values = npt.NDArray[Any]

LONG = 200
"""Keys; on shorter rows nothing is to be won."""

WORTH = 3.0
"""dB that a place must win when it is tried, as five operators over the scores take time: half of the noise."""

_ROWS = 1 << 21
"""Scores that a trial looks at, at most; of more, every n-th row: they tell what is won to half a dB."""

_AXES = {-1: "attention_axes", -2: "attention_value_axes"}
"""Of what is reduced, and what the constants that hold them are called."""

Quotient = Literal["U8", "U16"]


@dataclass(frozen=True)
class LongRows:
    """A Softmax whose rows are long, and the product with V.

    Attributes:
        softmax: It.
        product: The MatMul that takes its output, and nothing else does.
        keys: The length of a row.
    """

    softmax: onnx.NodeProto
    product: onnx.NodeProto
    keys: int

    @property
    def scores(self) -> str:
        """S: [..., rows, keys]."""
        return str(self.softmax.input[0])

    @property
    def weights(self) -> str:
        """Softmax(S): [..., rows, keys]."""
        return str(self.softmax.output[0])

    @property
    def values(self) -> str:
        """V: [..., keys, channels]."""
        return str(self.product.input[1])


@dataclass(frozen=True)
class Ranges:
    """Of the tensors of a place, over the calibration set.

    Attributes:
        scores: Smallest and largest of S.
        weight: The largest of Softmax(S).
        values: Smallest and largest of V.
        centred: The largest magnitude of V - c.
    """

    scores: tuple[float, float]
    weight: float
    values: tuple[float, float]
    centred: float


def ranges_of(scores: Measured, weights: Measured, values: Measured) -> Ranges:
    """The ranges of a place, of what was measured of S and Softmax(S) as a whole, and of V by its channels."""
    import numpy as np

    return Ranges(
        (float(scores.low), float(scores.high)),
        float(weights.high),
        (float(values.low.min()), float(values.high.max())),
        float(np.maximum(values.high - values.mean, values.mean - values.low).max()),
    )


def long_rows(graph: View) -> tuple[list[LongRows], Counter[str]]:
    """The places of a graph, and how many were left as they are, by the reason."""
    places: list[LongRows] = []
    refused: Counter[str] = Counter()
    for node in graph.nodes:
        if node.op_type != "Softmax":
            continue
        shape = graph.shapes.get(node.input[0])
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
        user = graph.only_user(node.output[0])
        if not shape or axis not in (-1, len(shape) - 1):
            refused["Softmax is not over the last axis"] += 1
        elif user is None or user.node.op_type != "MatMul" or user.position or not graph.is_live(user.node.input[1]):
            refused["Softmax is not followed by a product with V alone"] += 1
        elif shape[-1] < LONG:
            refused[f"rows have fewer than {LONG} keys"] += 1
        else:
            places.append(LongRows(node, user.node, shape[-1]))
    return places, refused


def gains(scores: Values, values: Values, ranges: Ranges, quotient: Quotient) -> tuple[float, float]:
    """What a place wins in dB of signal to noise of Softmax(S) V: predicted, and tried.

    Both are quantized as they will be, over the ranges of the calibration set; what is S - max there is known by its
    bound, the range of S.

    Args:
        scores: S: float32 [..., rows, keys].
        values: V: float32 [..., keys, channels].
        ranges: Over the calibration set.
        quotient: The type of what the division takes.
    """
    import numpy as np

    scores = scores[..., :: -(-scores.size // _ROWS), :]
    exact = _softmax(scores)
    rows = np.square(exact.max(axis=-1), dtype=np.float64)
    predicted = float(10 * np.log10(ranges.weight**2 / rows.mean()))
    low, high = min(ranges.scores[0], 0.0), max(ranges.scores[1], 0.0)
    coarse = in_u8(scores, low, high)
    before = _in_s8(_softmax(coarse), ranges.weight) @ _in_s8(values, max(map(abs, ranges.values)))
    shifted = in_u8(coarse - coarse.max(axis=-1, keepdims=True), ranges.scores[0] - ranges.scores[1], 0.0)
    v = in_u8(values, min(ranges.values[0], 0.0), max(ranges.values[1], 0.0))
    mean = v.mean(axis=-2, keepdims=True)
    e = np.exp(shifted) if quotient == "U16" else in_u8(np.exp(shifted), 0.0, 1.0)
    numerator, denominator = _in_s8(e, 1.0) @ _in_s8(v - mean, ranges.centred), e.sum(axis=-1, keepdims=True)
    if quotient == "U8":
        numerator, denominator = _in_u8(numerator), _in_u8(denominator)
    return predicted, won(exact @ values, before, numerator / np.maximum(denominator, 1e-30) + mean)


def deferred(model: onnx.ModelProto, places: Sequence[LongRows]) -> onnx.ModelProto:
    """A copy of the model with V centred and the division behind the product at each of these places.

    The product keeps its name; c is added to what the division gives, which is the tensor that the product gave. Places
    with one V share its mean, also with those of an earlier call.
    """
    import onnx
    from onnx import TensorProto, helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    taken = {name for node in copy.graph.node for name in (*node.input, *node.output)}
    reduced = _Reductions(opset_of(copy), taken)
    place_of = {place.product.output[0]: place for place in places}
    softmax = {place.weights for place in places}
    values = {place.values for place in places if f"{place.values}_centred" not in taken}
    nodes: list[onnx.NodeProto] = []
    for value in copy.graph.input:
        nodes += _centred(value.name, reduced) if value.name in values else []
    for node in copy.graph.node:
        target = node.output[0]
        if target in softmax:
            nodes += _exponentials(node, reduced)
        elif target in place_of:
            weights, v = place_of[target].weights, place_of[target].values
            whole, divided = f"{target}_undivided", f"{target}_divided"
            nodes += [
                helper.make_node("MatMul", [f"{weights}_exp", f"{v}_centred"], [whole], name=node.name),
                _node("Div", [whole, f"{weights}_sum"], divided),
                helper.make_node("Add", [divided, f"{v}_mean"], [target], name=f"{target}_mean_added"),
            ]
        else:
            nodes.append(node)
        for name in node.output:
            nodes += _centred(name, reduced) if name in values else []
    del copy.graph.node[:], copy.graph.value_info[:]
    copy.graph.node.extend(nodes)
    copy.graph.initializer.extend(
        helper.make_tensor(name, TensorProto.INT64, [1], [axis]) for axis, name in reduced.axes.items()
    )
    return onnx.shape_inference.infer_shapes(copy, data_prop=True)


class _Reductions:
    """Makes reductions as a version of ONNX's operators has them.

    Attributes:
        axes: The names of the constants that they take, by the axis.
    """

    def __init__(self, opset: int, taken: set[str]) -> None:
        self.axes = {axis: _free(name, taken) for axis, name in _AXES.items()}
        self._opset = opset

    def __call__(self, operator: str, source: str, target: str) -> onnx.NodeProto:
        """Over the keys: the last axis, of V the one before."""
        axis = -2 if operator == "ReduceMean" else -1
        if self._opset >= (13 if operator == "ReduceSum" else 18):  # from there on the axes are an input
            return _node(operator, [source, self.axes[axis]], target, keepdims=1)
        return _node(operator, [source], target, keepdims=1, axes=[axis])


def _centred(values: str, reduced: _Reductions) -> list[onnx.NodeProto]:
    """The mean c of V, and V - c."""
    mean = f"{values}_mean"
    return [reduced("ReduceMean", values, mean), _node("Sub", [values, mean], f"{values}_centred")]


def _exponentials(softmax: onnx.NodeProto, reduced: _Reductions) -> list[onnx.NodeProto]:
    """E and its sum, for the Softmax that they take the place of."""
    scores, name = softmax.input[0], softmax.output[0]
    return [
        reduced("ReduceMax", scores, f"{name}_max"),
        _node("Sub", [scores, f"{name}_max"], f"{name}_shifted"),
        _node("Exp", [f"{name}_shifted"], f"{name}_exp"),
        reduced("ReduceSum", f"{name}_exp", f"{name}_sum"),
    ]


def _node(operator: str, inputs: list[str], target: str, **attributes: Any) -> onnx.NodeProto:
    """An operator that has the name of what it gives."""
    from onnx import helper

    return helper.make_node(operator, inputs, [target], name=target, **attributes)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _softmax(scores: Values) -> Values:
    import numpy as np

    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    rows: Values = e / e.sum(axis=-1, keepdims=True)
    return rows


def _in_s8(values: Values, largest: float) -> Values:
    """On the grid of S8 over -largest..largest: as a product of two activations takes both."""
    import numpy as np

    step = largest / 127.5 or 1.0
    on_grid: Values = np.clip(np.rint(values / step), -128, 127) * step
    return on_grid


def _in_u8(values: Values) -> Values:
    """On the grid of U8 over its own range; 0 is in it."""
    return in_u8(values, min(float(values.min()), 0.0), max(float(values.max()), 0.0))
