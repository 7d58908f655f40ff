"""Images as models take them: channels first or last, as float32 or as bytes; and all of them as NCHW in float32.

layout(tensor)                                   # "NCHW", "NHWC", or None
planar(model, "image")                           # the model with its image in NCHW, float32
as_taken(batch, tensor)                          # a batch in NCHW, float32, as the model took it before that
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.names import free_name

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.graph.statistics import Tensor

    Array = npt.NDArray[Any]

CHANNELS = (1, 3, 4)
"""Of an image: grey, colours, and colours with transparency."""


_MOVES = ("Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that may stand before the Cast to float32, as they take bytes and numbers alike."""


def layout(tensor: Tensor) -> Literal["NCHW", "NHWC"] | None:
    """The layout of an image that is fed as float32 or uint8; ``None`` if the tensor can be none.

    Where both would do, as with 1x3x8x3, it is NCHW, as PyTorch has it.
    """
    shape = tensor.shape
    if shape is None or len(shape) != 4 or tensor.dtype not in ("float32", "uint8"):
        return None
    if shape[1] in CHANNELS:
        return "NCHW"
    return "NHWC" if shape[3] in CHANNELS else None


def planar(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with its image as float32 N, C, H, W, which is the same function of the same pixels.

    What was NHWC goes through a Transpose first. Bytes become float32 where a Cast makes them that anyway.

    Args:
        model: The model.
        name: The image's input, of the layout that ``layout`` tells.

    Raises:
        StepError: If the model computes with bytes before it makes numbers of them.
    """
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    (image,) = (value for value in graph.input if value.name == name)
    kind = image.type.tensor_type
    if kind.elem_type == onnx.TensorProto.UINT8:
        _check_bytes(graph, name)
        kind.elem_type = onnx.TensorProto.FLOAT
        del graph.value_info[:]  # of tensors that were bytes
    first, second, third, fourth = kind.shape.dim
    if second.dim_value in CHANNELS or fourth.dim_value not in CHANNELS:
        return changed
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    last = free_name(f"{name}_nhwc", taken)
    for node in graph.node:
        node.input[:] = [last if each == name else each for each in node.input]
    graph.node.insert(0, onnx.helper.make_node("Transpose", [name], [last], last, perm=[0, 2, 3, 1]))
    sizes = [onnx.TensorShapeProto.Dimension() for _ in range(4)]
    for size, old in zip(sizes, (first, fourth, second, third), strict=True):
        size.CopyFrom(old)
    del kind.shape.dim[:]
    kind.shape.dim.extend(sizes)
    return changed


def as_taken(batch: Array, tensor: Tensor) -> Array:
    """A batch float32 N, C, H, W as the input ``tensor`` takes it: channels last, or bytes, if that is so."""
    import numpy as np

    if layout(tensor) == "NHWC":
        batch = batch.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(np.rint(batch).clip(0, 255).astype(np.uint8) if tensor.dtype == "uint8" else batch)


def fed_as_taken(feed: Mapping[str, Array], image: str | None, tensors: Iterable[Tensor]) -> Mapping[str, Array]:
    """A feed whose image, by its name, is as one of a model's inputs ``tensors`` takes it."""
    return {**feed, **{tensor.name: as_taken(feed[tensor.name], tensor) for tensor in tensors if tensor.name == image}}


def _check_bytes(graph: onnx.GraphProto, name: str) -> None:
    """Find that only a Cast to float32 takes the bytes, whatever moves them before."""
    import onnx

    waiting, bytes_ = [name], {name}
    while waiting:
        tensor = waiting.pop()
        for node in graph.node:
            if tensor not in node.input:
                continue
            to = next((attribute.i for attribute in node.attribute if attribute.name == "to"), None)
            if node.op_type == "Cast" and to == onnx.TensorProto.FLOAT:
                continue
            if node.op_type not in _MOVES:
                raise StepError(
                    f"the model takes the image as uint8, and {node.op_type} computes with the bytes",
                    field="model.source",
                    remedy="export it without the conversion; target.runtime_input decides what the board feeds",
                )
            waiting += [output for output in node.output if output not in bytes_]
            bytes_.update(node.output)
