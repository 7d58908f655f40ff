"""Just enough of ONNX's file format for the stand-in ``pulsar2``: reads names and shapes, writes a model.

Source: ``onnx/onnx.proto`` (field numbers) and the protobuf encoding guide.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

FLOAT, UINT8, INT64 = 1, 2, 7


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, object]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("truncated message")
            yield tag >> 3, data[at : at + size]
            at += size
        elif tag & 7 in (1, 5):
            at += 8 if tag & 7 == 1 else 4
        else:
            raise ValueError(f"wire type {tag & 7}")


def _all(data: bytes, number: int) -> list[Any]:
    return [value for field, value in _fields(data) if field == number]


def tensors(model: bytes) -> tuple[dict[str, tuple[int, list[int]]], dict[str, tuple[int, list[int]]]]:
    """The inputs and the outputs of a model: element type and shape by name.

    Raises:
        ValueError: If this is no ONNX file.
    """
    try:
        (graph,) = _all(model, 7)
        constants = {_all(tensor, 8)[0] for tensor in _all(graph, 5)}
        inputs, outputs = (_all(graph, number) for number in (11, 12))
        return dict(map(_tensor, (i for i in inputs if _all(i, 1)[0] not in constants))), dict(map(_tensor, outputs))
    except (IndexError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"not an ONNX file: {error}") from error


def _tensor(info: bytes) -> tuple[str, tuple[int, list[int]]]:
    ((tensor_type,),) = (_all(kind, 1) for kind in _all(info, 2))
    dims = [(_all(dim, 1) or [0])[0] for shape in _all(tensor_type, 2) for dim in _all(shape, 1)]
    return _all(info, 1)[0].decode(), (_all(tensor_type, 1)[0], dims)


def _encode(*fields: tuple[int, int | str | bytes]) -> bytes:
    result = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            result += _number(number << 3) + _number(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            result += _number(number << 3 | 2) + _number(len(value)) + value
    return bytes(result)


def _number(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def _info(name: str, kind: int, dims: list[int]) -> bytes:
    shape = _encode(*((1, _encode((1, dim))) for dim in dims))
    return _encode((1, name), (2, _encode((1, _encode((1, kind), (2, shape))))))


def layers(model: bytes) -> list[tuple[str, str, list[str]]]:
    """The nodes of a model: name, operator, and the names of the tensors that they take and give."""
    (graph,) = _all(model, 7)
    nodes = []
    for node in _all(graph, 1):
        tensors = [name.decode() for number in (1, 2) for name in _all(node, number)]
        nodes.append(((_all(node, 3) or [b""])[0].decode(), _all(node, 4)[0].decode(), tensors))
    return nodes


def axmodel(
    doc: str,
    inputs: dict[str, tuple[int, list[int]]],
    outputs: dict[str, tuple[int, list[int]]],
    program: bytes,
    mode: int,
    colours: dict[str, int],
    on_cpu: str = "",
) -> bytes:
    """A model with one node ``neu mode``, whose program is an initializer that only the node's attribute names.

    Args:
        doc: The doc string.
        inputs: Element type and shape of what it is fed, by name.
        outputs: Likewise of what it gives.
        program: The initializer.
        mode: The NPU mode's number: 0 for NPU1.
        colours: The number of each input's colour space.
        on_cpu: An operator that runs on the CPU after it.
    """
    info = '{"name": "subgraph_npu_0", "dotneus": [{"neu_key": "subgraph_npu_0_b1_neu", "batch": 1}]}'
    node = _encode(
        *((1, name) for name in inputs),
        *((2, name) for name in outputs),
        (3, "subgraph_npu_0"),
        (4, "neu mode"),
        (5, _encode((1, "npu_graph_info"), (4, info), (20, 3))),
    )
    blob = _encode((1, len(program)), (2, UINT8), (8, "subgraph_npu_0_b1_neu"), (9, program))
    cpu = [(1, _encode((1, name), (2, name), (3, "on_the_cpu"), (4, on_cpu))) for name in outputs] if on_cpu else []
    graph = _encode(
        (1, node),
        *cpu,
        (2, "stand-in"),
        (5, blob),
        *((11, _info(name, *tensor)) for name, tensor in inputs.items()),
        *((12, _info(name, *tensor)) for name, tensor in outputs.items()),
    )
    tensors = [(1, _encode((1, name), (2, 1), (3, colours.get(name, 0)))) for name in inputs]
    tensors += [(1, _encode((1, name))) for name in outputs]
    extra = _encode(*tensors, (2, "1"), (3, _encode((1, "subgraph_npu_0"))), (4, _encode((3, mode))))
    metadata = _encode((1, "extra_data"), (2, base64.b64encode(extra)))
    return _encode((1, 10), (2, "Pulsar2"), (6, doc), (7, graph), (8, _encode((1, ""), (2, 18))), (14, metadata))
