"""How many classes a model tells apart, by its graph; nothing is run to tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_SAME_IDS = frozenset({"Cast", "Identity", "Reshape", "Resize", "Squeeze", "Transpose", "Unsqueeze"})
"""What leaves class ids as they are, or only moves and repeats them."""


def class_count(path: Path) -> int | None:
    """How many classes the model at ``path`` tells apart, if its graph says so.

    It is the size of the axis that the ArgMax reduces from which an output comes, past operators that leave class ids
    as they are; of logits, of axis 1 of the first output. A threshold on the logits of one class tells two apart: 0,
    and the class, 1. Of integers that come from anything else it is not known.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    makers = {name: node for node in model.graph.node for name in node.output}
    for output in model.graph.output:
        origin = computed_by(output.name, makers)
        if origin is None:
            continue
        if origin.op_type == "Greater" and makers[output.name].op_type == "Cast":
            return 2
        if origin.op_type == "ArgMax":
            axis = next((attribute.i for attribute in origin.attribute if attribute.name == "axis"), 0)
            return _size(model, origin.input[0], axis)
    first = model.graph.output[0]
    is_float = first.type.tensor_type.elem_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    return _size(model, first.name, 1) if is_float else None


def computed_by(name: str, makers: Mapping[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """The node that computes the class ids ``name``, past operators that leave them as they are.

    Args:
        name: A tensor.
        makers: The graph's nodes by what they give.
    """
    node = makers.get(name)
    while node is not None and node.op_type in _SAME_IDS:
        node = makers.get(node.input[0])
    return node


def _size(model: onnx.ModelProto, name: str, axis: int) -> int | None:
    """The size of a tensor's axis, where the graph says it, or shape inference finds it."""
    import onnx

    stated = _stated(model.graph, name, axis)
    return stated or _stated(onnx.shape_inference.infer_shapes(model).graph, name, axis)


def _stated(graph: onnx.GraphProto, name: str, axis: int) -> int | None:
    for value in (*graph.output, *graph.input, *graph.value_info):
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.name == name and -len(sizes) <= axis < len(sizes) and sizes[axis] > 0:
            return int(sizes[axis])
    return None
