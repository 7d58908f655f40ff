"""Where the channels of a tensor go: through all that scales them alike, to the operators that mix them.

Each element of the tensor gets the number of the channel that it belongs to, and operators that only move values are
run on these numbers. What is left is a list of inputs, and the channel of every element that comes in there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.quantize.view import View

    Channels = npt.NDArray[np.int32]

_MOVES = frozenset(
    {"Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
)  # fmt: skip

_ALIKE = frozenset({"Relu", "MaxPool", "AveragePool", "GlobalAveragePool"})
"""f(x / s) = f(x) / s for any s > 0 per channel; channels stay where they are, on axis 1 where there is a window."""


@dataclass(frozen=True)
class Graph:
    """A model, asked about its channels.

    Attributes:
        view: Its tensors and nodes.
        constants: All that is stored in it, by name.
        opset: Its version of ONNX's operators.
    """

    view: View
    constants: Mapping[str, onnx.TensorProto]
    opset: int


@dataclass(frozen=True)
class Use:
    """An operator that takes the channels and is not passed.

    Attributes:
        node: The operator.
        position: Which of its inputs.
        channels: The channel of each element of that input, of its shape.
    """

    node: onnx.NodeProto
    position: int
    channels: Channels


@dataclass(frozen=True)
class Fold:
    """A constant whose values belong to channels.

    Attributes:
        node: The name of the operator that takes it.
        position: Which of its inputs it is.
        channels: The channel of each value, of a shape that broadcasts to the constant's.
    """

    node: str
    position: int
    channels: Channels


@dataclass(frozen=True)
class Trace:
    """What becomes of a tensor.

    Attributes:
        uses: Where its channels are mixed.
        added: Constants that are added to it on the way, and scale with it.
    """

    uses: tuple[Use, ...]
    added: tuple[Fold, ...]


def trace(name: str, channels: Channels, graph: Graph, stops: Callable[[Use], bool]) -> Trace | str:
    """Follow the channels of the tensor ``name``.

    Args:
        name: The tensor.
        channels: The channel of each of its elements, of its shape.
        graph: The model.
        stops: Whether an operator that mixes channels may take them.

    Returns:
        Where they are taken; or why they cannot be followed, in words.
    """
    known = {name: channels}
    uses: list[Use] = []
    added: list[Fold] = []
    for node in _below(name, graph.view):
        places = [position for position, taken in enumerate(node.input) if taken in known]
        if not places:
            continue
        moved = _passed(node, known, graph, added)
        if moved is None:
            for position in places:
                use = Use(node, position, known[node.input[position]])
                if not stops(use):
                    return f"{node.op_type} takes it"
                uses.append(use)
            continue
        known |= dict(zip(node.output, moved, strict=False))
    if graph.view.outputs & known.keys():
        return "the model gives it"
    return Trace(tuple(uses), tuple(added))


def uniform(channels: Channels, shape: Sequence[int]) -> Channels | None:
    """The channels reduced to ``shape``, which has 1 where they must not differ; ``None`` if they do."""
    import numpy as np

    if len(shape) < channels.ndim:
        shape = (*[1] * (channels.ndim - len(shape)), *shape)
    if len(shape) > channels.ndim:
        return None
    if any(size not in (1, channels.shape[axis]) for axis, size in enumerate(shape)):
        return None
    reduced = channels[tuple(slice(0, 1) if size == 1 else slice(None) for size in shape)]
    return reduced if np.array_equal(np.broadcast_to(reduced, channels.shape), channels) else None


def _below(name: str, graph: View) -> list[onnx.NodeProto]:
    """The nodes from the first that takes a tensor, in topological order."""
    users = {id(taken.node) for taken in graph.users.get(name, ())}
    first = next((i for i, node in enumerate(graph.nodes) if id(node) in users), len(graph.nodes))
    return list(graph.nodes[first:])


def _passed(
    node: onnx.NodeProto,
    known: Mapping[str, Channels],
    graph: Graph,
    added: list[Fold],
) -> list[Channels] | None:
    """The channels of what a node gives, where they go through it as they are; ``None`` where it mixes them."""
    first = known.get(node.input[0])
    if (
        node.op_type in _MOVES
        and first is not None
        and all(taken in graph.constants for taken in node.input[1:] if taken)
    ):
        return _moved(node, first, graph)
    if node.op_type in _ALIKE and first is not None:
        return _same_places(node, first, graph.view)
    if node.op_type in ("Add", "Mul", "Div", "Sub", "Concat"):
        return _joined(node, known, graph.constants, added)
    if node.op_type == "MatMul" and not any(taken in graph.constants for taken in node.input):
        return _averaged(node, known, graph.view)
    return None


def _moved(node: onnx.NodeProto, channels: Channels, graph: Graph) -> list[Channels]:
    """Run an operator that moves values on the numbers of the channels."""
    import numpy as np
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    inputs = [helper.make_tensor_value_info(node.input[0], TensorProto.INT32, channels.shape)]
    outputs = [helper.make_tensor_value_info(taken, TensorProto.INT32, None) for taken in node.output]
    stored = [graph.constants[taken] for taken in dict.fromkeys(node.input[1:]) if taken]
    model = helper.make_model(
        helper.make_graph([node], "move", inputs, outputs, stored), opset_imports=[helper.make_opsetid("", graph.opset)]
    )
    return [np.asarray(value) for value in ReferenceEvaluator(model).run(None, {node.input[0]: channels})]


def _same_places(node: onnx.NodeProto, channels: Channels, graph: View) -> list[Channels] | None:
    import numpy as np

    shape = graph.shapes.get(node.output[0])
    if node.op_type == "Relu":
        return [channels]
    reduced = uniform(channels, [1, channels.shape[1], *[1] * (channels.ndim - 2)])
    return None if reduced is None or shape is None else [np.broadcast_to(reduced, shape)]


def _joined(
    node: onnx.NodeProto,
    known: Mapping[str, Channels],
    constants: Mapping[str, onnx.TensorProto],
    added: list[Fold],
) -> list[Channels] | None:
    """Sums of parts that scale alike, products with constants, and parts behind each other."""
    import numpy as np

    parts = [(position, known[taken]) for position, taken in enumerate(node.input) if taken in known]
    others = [position for position, taken in enumerate(node.input) if taken not in known]
    if node.op_type == "Concat":
        axis = next(attribute.i for attribute in node.attribute if attribute.name == "axis")
        return None if others else [np.concatenate([channels for _, channels in parts], axis=axis)]
    if not others:
        alike = node.op_type in ("Add", "Sub") and np.array_equal(parts[0][1], parts[1][1])
        return [parts[0][1]] if alike else None
    (position,) = others
    constant = constants.get(node.input[position])
    channels = parts[0][1]
    if constant is None or (node.op_type == "Div" and position == 0):
        return None
    shape = tuple(constant.dims)
    if len(shape) > channels.ndim or np.broadcast_shapes(shape, channels.shape) != channels.shape:
        return None
    if node.op_type in ("Add", "Sub"):
        reduced = uniform(channels, shape)
        if reduced is None:
            return None
        added.append(Fold(node.name, position, reduced.reshape(shape)))
    return [channels]


def _averaged(node: onnx.NodeProto, known: Mapping[str, Channels], graph: View) -> list[Channels] | None:
    """The values of attention: a sum over tokens, weighted by what knows no channel, keeps each channel apart."""
    import numpy as np

    shape = graph.shapes.get(node.output[0])
    positions = [position for position, taken in enumerate(node.input) if taken in known]
    if len(positions) != 1 or not shape or 0 in shape:
        return None
    channels = known[node.input[positions[0]]]
    summed = channels.ndim - 2 if positions[0] == 1 else channels.ndim - 1
    reduced = uniform(channels, [1 if axis == summed else size for axis, size in enumerate(channels.shape)])
    if reduced is None:
        return None
    return [np.broadcast_to(reduced, shape)]


def numbered(count: int, shape: Sequence[int], axis: int) -> Any:
    """The channels of a tensor that has ``count`` of them on one axis."""
    import numpy as np

    sizes = [1] * len(shape)
    sizes[axis] = count
    return np.broadcast_to(np.arange(count, dtype=np.int32).reshape(sizes), tuple(shape))
