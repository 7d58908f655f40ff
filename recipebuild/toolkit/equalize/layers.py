"""Operators with stored weights as makers and takers of channels.

A maker gives channel j by row j of its weights, so x_j / s_j is that row, and its bias, divided by s_j. A taker
multiplies channel j with column j of its weights, so that column times s_j takes x_j / s_j as it took x_j.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize.trace import Fold, Graph, Use, numbered, uniform

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.equalize.trace import Channels


@dataclass(frozen=True)
class Maker:
    """An operator whose output has channels.

    Attributes:
        node: The operator.
        count: How many channels.
        channels: The channel of each element of the output.
        parameters: What is to be divided, so that the channels are.
    """

    node: onnx.NodeProto
    count: int
    channels: Channels
    parameters: tuple[Fold, ...]


@dataclass(frozen=True)
class Taker:
    """A linear operator that mixes channels with stored weights.

    Attributes:
        node: The operator.
        position: Which input the channels come in by.
        channels: The channel of each element of that input.
        weight: The stored weights, and the channel that each is multiplied with.
        outputs: The axis of the weights along which each has a scale of its own in 8 bits: that of the outputs.
    """

    node: onnx.NodeProto
    position: int
    channels: Channels
    weight: Fold
    outputs: int


def maker(node: onnx.NodeProto, graph: Graph) -> Maker | None:
    """The channels that an operator with stored parameters makes; ``None`` if it is none."""
    shape = graph.view.shapes.get(node.output[0])
    if not shape or 0 in shape:
        return None
    made = {"LayerNormalization": _norm, "MatMul": _product, "Gemm": _gemm, "Conv": _convolution}.get(node.op_type)
    return made(node, shape, graph) if made else None


def taker(use: Use, graph: Graph) -> Taker | None:
    """An operator with stored weights that takes channels; ``None`` if it is none, or mixes them otherwise."""
    node = use.node
    if len(node.input) < 2:
        return None
    position = 1 - use.position
    if node.op_type == "Conv":
        return _taking_convolution(use, graph) if use.position == 0 and node.input[1] in graph.constants else None
    if node.op_type not in ("MatMul", "Gemm") or position not in (0, 1) or node.input[position] not in graph.constants:
        return None
    shape = tuple(graph.constants[node.input[position]].dims)
    if node.op_type == "Gemm":
        transposed = _integer(node, "transB", 0)
        if use.position != 0 or _integer(node, "transA", 0) or _real(node, "alpha", 1.0) != 1:
            return None
        reduced = uniform(use.channels, [1, use.channels.shape[1]])
        if reduced is None:
            return None
        channels = reduced if transposed else reduced.T
        return Taker(node, 0, use.channels, Fold(node.name, 1, channels), 0 if transposed else 1)
    if len(shape) < 2:
        return None
    summed = -1 if use.position == 0 else -2
    wanted = _leading(shape, use.channels.shape)
    wanted += [1, use.channels.shape[-1]] if summed == -1 else [use.channels.shape[-2], 1]
    reduced = uniform(use.channels, wanted)
    if reduced is None:
        return None
    channels = reduced.swapaxes(-1, -2).reshape(reduced.swapaxes(-1, -2).shape[-len(shape) :])
    outputs = len(shape) - 1 if use.position == 0 else len(shape) - 2
    return Taker(node, use.position, use.channels, Fold(node.name, position, channels), outputs)


def _leading(shape: tuple[int, ...], taken: tuple[int, ...]) -> list[int]:
    """The sizes before the last two of a stored factor, with a 1 for each axis that only the other factor has."""
    before = [1] * (len(taken) - len(shape)) + list(shape[:-2])
    return [size if other == size else 1 for size, other in zip(before, taken[:-2], strict=True)]


def _taking_convolution(use: Use, graph: Graph) -> Taker | None:
    import numpy as np

    count = use.channels.shape[1]
    reduced = uniform(use.channels, [1, count, *[1] * (use.channels.ndim - 2)])
    weights, each, *window = graph.constants[use.node.input[1]].dims
    groups = _integer(use.node, "group", 1)
    if reduced is None or each * groups != count:
        return None
    own = np.arange(weights) // (weights // groups) * each  # the first channel of the group of each output
    channels = reduced.reshape(-1)[own[:, None] + np.arange(each)]
    return Taker(
        use.node, 0, use.channels, Fold(use.node.name, 1, channels.reshape(weights, each, *[1] * len(window))), 0
    )


def _norm(node: onnx.NodeProto, shape: tuple[int, ...], graph: Graph) -> Maker | None:
    if _integer(node, "axis", -1) not in (-1, len(shape) - 1) or len(node.input) < 2:
        return None
    if any(name not in graph.view.constants for name in node.input[1:] if name):
        return None
    own = numbered(shape[-1], [shape[-1]], 0)
    folds = tuple(Fold(node.name, position, own) for position in range(1, len(node.input)) if node.input[position])
    return Maker(node, shape[-1], numbered(shape[-1], shape, -1), folds)


def _product(node: onnx.NodeProto, shape: tuple[int, ...], graph: Graph) -> Maker | None:
    import numpy as np

    weight = graph.view.constants.get(node.input[1])
    if weight is None or len(weight.dims) < 2 or node.input[0] in graph.constants:
        return None
    dims = list(weight.dims)
    dims[-2] = 1
    own = np.arange(np.prod(dims), dtype=np.int32).reshape(dims)
    if len(dims) > len(shape):
        return None
    return Maker(node, own.size, np.broadcast_to(own, shape), (Fold(node.name, 1, own),))


def _gemm(node: onnx.NodeProto, shape: tuple[int, ...], graph: Graph) -> Maker | None:
    if any(name not in graph.view.constants for name in node.input[1:] if name):
        return None
    own = numbered(shape[1], [shape[1]], 0)
    rows = own.reshape(-1, 1) if _integer(node, "transB", 0) else own.reshape(1, -1)
    folds = [Fold(node.name, 1, rows)]
    if len(node.input) > 2 and node.input[2]:
        if tuple(graph.constants[node.input[2]].dims) not in ((shape[1],), (1, shape[1])):
            return None
        folds.append(Fold(node.name, 2, own))
    return Maker(node, shape[1], numbered(shape[1], shape, 1), tuple(folds))


def _convolution(node: onnx.NodeProto, shape: tuple[int, ...], graph: Graph) -> Maker | None:
    if any(name not in graph.view.constants for name in node.input[1:] if name):
        return None
    own = numbered(shape[1], [shape[1]], 0)
    rank = len(graph.constants[node.input[1]].dims)
    folds = [Fold(node.name, 1, own.reshape(-1, *[1] * (rank - 1)))]
    if len(node.input) > 2 and node.input[2]:
        folds.append(Fold(node.name, 2, own))
    return Maker(node, shape[1], numbered(shape[1], shape, 1), tuple(folds))


def _integer(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


def _real(node: onnx.NodeProto, name: str, default: float) -> Any:
    return next((attribute.f for attribute in node.attribute if attribute.name == name), default)
