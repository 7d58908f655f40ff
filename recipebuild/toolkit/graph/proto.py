"""ONNX messages without a second copy of the weights in memory: protobuf itself copies and writes them whole.

    write(model, path)
    shapes = onnx.shape_inference.infer_shapes(bare(model))

Same model, same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

_SMALL = 1024
"""Bytes of a tensor from which shapes may follow, such as the sizes for a Reshape."""


def write(model: onnx.ModelProto, path: Path) -> None:
    """Write ``model`` as one message, tensor by tensor; same model, same bytes.

    The fields are in another order than protobuf's own, which readers must not mind
    (https://protobuf.dev/programming-guides/encoding/#order): the weights come last.
    """
    import onnx

    graph = without(model.graph, "initializer").SerializeToString(deterministic=True)
    weights = model.graph.initializer
    heads = [_head(onnx.GraphProto.INITIALIZER_FIELD_NUMBER, tensor.ByteSize()) for tensor in weights]
    length = len(graph) + sum(len(head) + tensor.ByteSize() for head, tensor in zip(heads, weights, strict=True))
    with path.open("wb") as file:
        file.write(without(model, "graph").SerializeToString(deterministic=True))
        file.write(_head(onnx.ModelProto.GRAPH_FIELD_NUMBER, length) + graph)
        for head, tensor in zip(heads, weights, strict=True):
            file.write(head)
            file.write(tensor.SerializeToString(deterministic=True))


def bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` in which large weights have a name, a type and a shape, and no values."""
    copy = without(model, "graph")
    copy.graph.CopyFrom(without(model.graph, "initializer"))
    for tensor in model.graph.initializer:
        if tensor.ByteSize() <= _SMALL:
            copy.graph.initializer.add().CopyFrom(tensor)
        else:
            copy.graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return copy


def without(message: Any, field: str) -> Any:
    """A copy of a protobuf message without one of its fields."""
    copy = type(message)()
    for descriptor, value in message.ListFields():
        if descriptor.name == field:
            continue
        if hasattr(value, "extend"):
            getattr(copy, descriptor.name).extend(value)
        elif hasattr(value, "CopyFrom"):
            getattr(copy, descriptor.name).CopyFrom(value)
        else:
            setattr(copy, descriptor.name, value)
    return copy


def _head(field: int, length: int) -> bytes:
    """What stands before an embedded message of ``length`` bytes: its field and wire type 2, and the length."""
    return bytes([field << 3 | 2]) + _varint(length)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the highest bit set."""
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])
