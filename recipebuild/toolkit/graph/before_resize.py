"""The logits that a segmentation network enlarges at its end, as they were before: ``before_resize(model)``.

    logits -> Resize -> output     becomes     logits, under the output's name

An ArgMax of the small logits compares, and gives, a fraction of the numbers. It is not the ArgMax of the large ones: a
large pixel is a mean of neighbours, with weights of 0 or more. Where they all have the same class, the mean has it,
too; where classes meet, it may have another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.proto import bare
from recipebuild.toolkit.graph.statistics import outputs

if TYPE_CHECKING:
    import onnx


def before_resize(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` without the Resize that gives its one output, logits [N, C, H, W].

    Raises:
        StepError: If the model does not end in a linear or nearest Resize of height and width to larger ones.
    """
    last = next((node for node in model.graph.node if model.graph.output[0].name in node.output), None)
    small = _sizes(model, last.input[0]) if last is not None and last.op_type == "Resize" else ()
    large = outputs(model)[0].sizes or ()
    if last is None or len(model.graph.output) != 1 or not _enlarges(last, small, large):
        raise StepError(
            "the model does not end in a linear or nearest Resize to a larger height and width",
            field="head.before_resize",
            remedy="remove it: the ArgMax then has the size of the model's own output",
        )
    result = type(model)()
    result.CopyFrom(model)
    _remove(result.graph, last)
    _rename(result.graph, last.input[0], last.output[0])
    for dim, size in zip(result.graph.output[0].type.tensor_type.shape.dim, small, strict=True):
        dim.dim_value = size
    return result


def _enlarges(resize: onnx.NodeProto, small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether pixels of the large image are means of pixels that are neighbours in the small one."""
    from onnx import helper

    how = {attribute.name: helper.get_attribute_value(attribute) for attribute in resize.attribute}
    return (
        len(small) == len(large) == 4
        and tuple(small[:2]) == tuple(large[:2])
        and all(0 < before <= after for before, after in zip(small, large, strict=True))
        and how.get("mode", b"nearest") in (b"linear", b"nearest")
        and how.get("coordinate_transformation_mode") != b"tf_crop_and_resize"
    )


def _sizes(model: onnx.ModelProto, name: str) -> tuple[int, ...]:
    """The shape of a tensor that a node makes, 0 where a size is not known; empty if nothing is."""
    from onnx import shape_inference

    value = _described(model, name) or _described(shape_inference.infer_shapes(bare(model)), name)
    return tuple(size.dim_value for size in value.type.tensor_type.shape.dim) if value is not None else ()


def _described(model: onnx.ModelProto, name: str) -> onnx.ValueInfoProto | None:
    return next((value for value in model.graph.value_info if value.name == name), None)


def _remove(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """Remove a node, and the constants that nothing else takes."""
    graph.node.remove(node)
    taken = {name for other in graph.node for name in other.input}
    for tensor in [stored for stored in graph.initializer if stored.name in node.input and stored.name not in taken]:
        graph.initializer.remove(tensor)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a tensor the name of an output."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
    for value in [info for info in graph.value_info if info.name in (old, new)]:
        graph.value_info.remove(value)
