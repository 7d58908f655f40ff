"""Along which axis the channels of each activation lie.   Use: ``other_axes(model)["conv_out"]``, (0, 2, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.cost import IMAGE_OPERATORS

if TYPE_CHECKING:
    import onnx


def other_axes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Of each float32 activation of known rank, in the graph's order, the axes that are not its channels.

    Channels are the second axis of images: of what is fed, of what operators on images give, and of what others make
    of these without turning them; they are the last axis of all else. A tensor of one axis or none has no channels.

    Args:
        model: A model with types and shapes of its tensors.
    """
    import onnx

    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    ranks = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if kind.elem_type == onnx.TensorProto.FLOAT and kind.HasField("shape") and value.name not in stored:
            ranks[value.name] = len(kind.shape.dim)
    axis = {value.name: 1 for value in graph.input if ranks.get(value.name) == 4}
    for node in graph.node:
        source = next((name for name in node.input if name in axis), "")
        for name in node.output:
            if name in ranks:
                axis[name] = _axis(node, axis.get(source), ranks.get(source), ranks[name])
    return {name: tuple(i for i in range(ranks[name]) if i != axis[name]) if ranks[name] > 1 else () for name in axis}


def _axis(node: onnx.NodeProto, before: int | None, rank_before: int | None, rank: int) -> int:
    if node.op_type in IMAGE_OPERATORS:
        return 1
    perm = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), None)
    if node.op_type == "Transpose" and perm and before is not None:
        return perm.index(before)
    moved = node.op_type in ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "MatMul", "Gemm", "LayerNormalization")
    return rank - 1 if before is None or moved or rank != rank_before else before
