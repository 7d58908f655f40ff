"""Width and height of PNG and JPEG files by their headers, without a library for images: check starts in a blink."""

from __future__ import annotations

import struct

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG's markers SOF0 to SOF15, which begin a frame (ITU-T T.81, table B.1)."""
_ALONE = {0x01, 0xFF, *range(0xD0, 0xD9)}
"""Its markers without a segment."""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels as they are stored, without EXIF; ``None`` of what is neither PNG nor JPEG, or cut."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None
    except (struct.error, IndexError):
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2
        if marker not in _ALONE:
            at += struct.unpack_from(">H", data, at)[0]
    return None
