"""Protobuf messages whose schema is not published, field by field: ``fields(data)``.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

Value = int | bytes


def fields(data: bytes) -> dict[int, list[Value]]:
    """The values of each field number; texts and messages inside are bytes.

    Raises:
        ValueError: If this is no protobuf message.
    """
    values: dict[int, list[Value]] = {}
    for number, value in _walk(data):
        values.setdefault(number, []).append(value)
    return values


def text(message: dict[int, list[Value]], number: int) -> str:
    """The last text under a field number; empty if there is none."""
    value = message.get(number, [b""])[-1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def integer(message: dict[int, list[Value]], number: int) -> int:
    """The last number under a field number; 0 if there is none."""
    value = message.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def messages(message: dict[int, list[Value]], number: int) -> list[dict[int, list[Value]]]:
    """The messages under a field number.

    Raises:
        ValueError: If one of them is none.
    """
    return [fields(value) for value in message.get(number, ()) if isinstance(value, bytes)]


def _walk(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
        elif kind == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("the message is cut short")
            yield number, data[at : at + size]
            at += size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield number, int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            raise ValueError(f"wire type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the message is cut short")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
