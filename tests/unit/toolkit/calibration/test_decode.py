"""Images are decoded to the last pixel, or refused by name."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.decode import decode


def encoded(format_: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(buffer, format_)
    return buffer.getvalue()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_whole_image_is_decoded_whatever_its_name_says(format_: str) -> None:
    assert decode(encoded(format_), "a.jpg").size == (64, 48)


@pytest.mark.parametrize("keep", [0.5, 0.95], ids=["half", "nearly-all"])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_truncated_image_is_refused_by_name(format_: str, keep: float) -> None:
    data = encoded(format_)
    with pytest.raises(StepError, match=r"street/a\.jpg: .*(truncated|decoder)"):
        decode(data[: int(len(data) * keep)], "street/a.jpg")


def huge_png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"<html>404</html>", "not a JPEG, PNG, BMP or WebP image"),
        (encoded("GIF"), "not a JPEG, PNG, BMP or WebP image"),
        (encoded("TIFF"), "not a JPEG, PNG, BMP or WebP image"),
        (huge_png(9_000), "9000x9000 pixels is too large"),
        (huge_png(60_000), "bomb"),
    ],
    ids=["empty", "html", "gif", "tiff", "large", "bomb"],
)
def test_what_is_no_usable_image_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(StepError, match=reason) as caught:
        decode(data, "odd\nname.png")
    assert caught.value.message.startswith("odd?name.png: ")
    assert "\n" not in caught.value.message
