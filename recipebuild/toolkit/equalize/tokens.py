"""Tokens of several kinds: class token, registers and patches, each in a tensor of its own.

Vision transformers keep values of hundreds in a few channels of the class token and of registers, where patches hold
ordinary ones (M. Sun et al., "Massive Activations in Large Language Models", arXiv 2402.17762, section 5). One scale
for all tokens leaves the patches a few codes. What is done token by token may be done to each kind alone,

    LN([R_c; R_r; R_p]) = [LN(R_c); LN(R_r); LN(R_p)],    [R_c; R_p] + f = [R_c + f_c; R_p + f_p],    [R_c; R_p] W = ...

so each kind has a scale of its own, and they are joined again where ranges are alike: behind the LayerNormalization.
With n_k tokens of kind k over a range R_k, and all n tokens over R, what is to be won is

    n R^2 / sum_k n_k R_k^2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize.trial import in_u8, won
from recipebuild.toolkit.quantize.view import view

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.equalize.statistics import Measured
    from recipebuild.toolkit.quantize.view import View

    Values = npt.NDArray[Any]

RATIO = 8.0
"""Between the largest and the smallest range of a kind: from there on, three bits, kinds are kept apart."""

Lengths = tuple[int, ...]
"""How many tokens of each kind, in the order in which they lie on the axis before the last of [1, tokens, channels]."""

_BINARY = frozenset({"Add", "Div", "Mul", "Sub"})
_UNARY = frozenset({"Erf", "Gelu", "Identity", "Relu", "Sigmoid", "Tanh"})


def kinds(model: onnx.ModelProto) -> dict[str, Lengths]:
    """The tensors whose tokens are of several kinds: what Concat joins, and what is made of it token by token.

    Args:
        model: With the shapes of its tensors.
    """
    graph, integers = view(model), integers_of(model)
    lengths: dict[str, Lengths] = {}
    for node in graph.nodes:
        if own := _lengths(node, graph, integers, lengths):
            lengths[node.output[0]] = own
    for node in reversed(graph.nodes):  # what is added to such a tensor is made of the same kinds
        own = lengths.get(node.output[0])
        if own and by_token(node, graph):
            for name in node.input:
                if graph.is_live(name) and tokens_of(graph.shapes.get(name)) == sum(own):
                    lengths.setdefault(name, own)
    return lengths


def ends(measured: Measured, lengths: Lengths) -> list[tuple[float, float]]:
    """The range of each kind, of what was measured of each token; 0 is in it."""
    import numpy as np

    at = np.cumsum((0, *lengths[:-1]))
    lows, highs = np.minimum.reduceat(measured.low, at), np.maximum.reduceat(measured.high, at)
    return [(min(float(low), 0.0), max(float(high), 0.0)) for low, high in zip(lows, highs, strict=True)]


def differ(ranges: list[tuple[float, float]]) -> bool:
    """Whether kinds of these ranges are to be kept apart."""
    widths = [high - low for low, high in ranges]
    return max(widths) >= RATIO * min(widths) > 0


@dataclass(frozen=True)
class Norm:
    """A LayerNormalization over the last axis: what a tensor in parts is made for."""

    gain: Values
    shift: Values | float
    epsilon: float

    def __call__(self, values: Values) -> Values:
        """What it gives."""
        import numpy as np

        centred = values - values.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normalized: Values = centred / np.sqrt(variance + self.epsilon) * self.gain + self.shift
        return normalized


def gains(
    values: Values, lengths: Lengths, ranges: list[tuple[float, float]], norm: Norm | None = None
) -> tuple[float, float]:
    """What kinds of their own win, in dB of signal to noise: predicted of the tensor, and tried of what takes it.

    Args:
        values: The tensor, float32 [1, tokens, channels].
        lengths: Its kinds.
        ranges: Of each kind, over the calibration set.
        norm: The LayerNormalization that takes it; without one the tensor itself is looked at.
    """
    import numpy as np

    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    squares = sum(count * (end - start) ** 2 for count, (start, end) in zip(lengths, ranges, strict=True))
    predicted = 10 * np.log10(sum(lengths) * (high - low) ** 2 / squares)
    parts = np.split(values, np.cumsum(lengths)[:-1], axis=-2)
    after = np.concatenate([in_u8(part, *own) for part, own in zip(parts, ranges, strict=True)], axis=-2)
    exact, before = values, in_u8(values, low, high)
    if norm:
        exact, before, after = norm(exact), norm(before), norm(after)
    return float(predicted), won(exact, before, after)


def norm_of(name: str, graph: View) -> Norm | None:
    """The LayerNormalization that takes a tensor, if one does."""
    from onnx import numpy_helper

    for use in graph.users.get(name, ()):
        node = use.node
        if node.op_type == "LayerNormalization" and by_token(node, graph):
            held = [numpy_helper.to_array(graph.constants[each]) for each in node.input[1:] if each]
            epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
            return Norm(held[0], held[1] if len(held) > 1 else 0.0, epsilon)
    return None


def by_token(node: onnx.NodeProto, graph: View) -> bool:
    """Whether an operator does the same to each token of [1, tokens, channels], whatever others hold."""
    shape = graph.shapes.get(node.output[0], ())
    if len(shape) != 3:
        return False
    if node.op_type in _UNARY:
        return True
    if node.op_type in _BINARY:
        shapes = [graph.shapes.get(name) for name in node.input]
        return all(each is not None and len(each) <= 3 and tokens_of(each) in (1, shape[1]) for each in shapes)
    if node.op_type == "LayerNormalization":
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
        return axis in (-1, 2) and all(name in graph.constants for name in node.input[1:] if name)
    if node.op_type == "MatMul":
        return graph.rank(node.input[0]) == 3 and graph.rank(node.input[1]) == 2 and node.input[1] in graph.constants
    return False


def tokens_of(shape: tuple[int, ...] | None) -> int:
    """The size of the axis before the last; 1 where there is none."""
    return shape[-2] if shape and len(shape) > 1 else 1


def window(node: onnx.NodeProto, integers: Mapping[str, Values], tokens: int) -> tuple[int, int] | None:
    """First token, and the one behind the last, of what a Slice or Gather takes of [1, tokens, channels].

    ``None`` if it is none of both, or takes more than one run of tokens.
    """
    try:
        held = [int(integers[name].item()) for name in node.input[1:]]
    except (KeyError, ValueError):
        return None
    if node.op_type == "Gather" and held:
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        start = held[0] + tokens * (held[0] < 0)
        return (start, start + 1) if axis in (1, -2) else None
    if node.op_type != "Slice" or len(held) < 3 or held[2] not in (1, -2) or held[3:] not in ([], [1]):
        return None
    start, stop = (min(max(at + tokens * (at < 0), 0), tokens) for at in held[:2])
    return (start, stop) if start < stop else None


def run_of(lengths: Lengths, start: int, stop: int) -> slice | None:
    """The kinds that a run of tokens has, if it begins and ends where kinds do."""
    edges = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    return slice(edges.index(start), edges.index(stop)) if start in edges and stop in edges else None


def integers_of(model: onnx.ModelProto) -> dict[str, Values]:
    """The stored integers of a model, by name: where slices begin and end."""
    from onnx import TensorProto, numpy_helper

    stored = (tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.INT64)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in stored}


def _lengths(
    node: onnx.NodeProto, graph: View, integers: Mapping[str, Values], known: Mapping[str, Lengths]
) -> Lengths | None:
    shape = graph.shapes.get(node.output[0], ())
    if len(shape) != 3 or shape[0] != 1 or 0 in shape:
        return None
    if node.op_type == "Concat":
        axis = next(attribute.i for attribute in node.attribute if attribute.name == "axis")
        sizes = [known.get(name) or (tokens_of(graph.shapes.get(name)),) for name in node.input]
        joined = tuple(size for each in sizes for size in each)
        return joined if axis in (1, -2) and len(joined) > 1 and sum(joined) == shape[1] else None
    if node.op_type == "Slice" and node.input[0] in known:
        own = known[node.input[0]]
        taken = window(node, integers, sum(own))
        run = run_of(own, *taken) if taken else None
        return own[run] if run and len(own[run]) > 1 else None
    each = {known[name] for name in node.input if name in known}
    return each.pop() if len(each) == 1 and by_token(node, graph) and sum(next(iter(each), ())) == shape[1] else None
