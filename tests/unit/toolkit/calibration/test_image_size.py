"""Sizes by headers are those that PIL finds."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from recipebuild.toolkit.calibration.image_size import image_size


def stored(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (33, 17)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [stored("PNG"), stored("JPEG"), stored("JPEG", progressive=True), stored("JPEG", exif=b"Exif\0\0" + bytes(100))],
    ids=["png", "jpeg", "progressive", "exif"],
)
def test_of_png_and_jpeg(data: bytes) -> None:
    assert image_size(data) == (33, 17)
    assert image_size(data[:20]) is None


@pytest.mark.parametrize("data", [b"", b"text", stored("BMP"), b"\xff\xd8"])
def test_of_anything_else_there_is_none(data: bytes) -> None:
    assert image_size(data) is None
