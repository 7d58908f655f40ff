"""What a user is warned of before calibrating."""

from __future__ import annotations

import pytest
from PIL import Image

from recipebuild.calibration.survey import concerns, survey


def about(image: Image.Image, width: int = 128, height: int = 64) -> list[str]:
    return concerns([survey("a.jpg", b"12345", image)], width, height)


def coloured(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), (200, 100, 50))


def test_the_facts_are_those_of_the_stored_image() -> None:
    facts = survey("a.jpg", b"12345", coloured(30, 20))
    assert (facts.name, facts.bytes, facts.width, facts.height) == ("a.jpg", 5, 30, 20)


def test_an_image_like_the_input_gives_no_warning() -> None:
    assert about(coloured(1280, 640)) == []


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "I;16", "RGBA"])
def test_an_image_without_colour_is_grey_in_any_mode(mode: str) -> None:
    assert about(Image.new("L", (128, 64), 90).convert(mode)) == [
        "1 of 1 images are grey, and tell nothing of colours: a.jpg"
    ]


@pytest.mark.parametrize(
    ("size", "warns"),
    [((150, 100), False), ((128, 64), False), ((100, 100), True), ((64, 128), True), ((310, 100), True)],
)
def test_an_image_that_would_be_stretched_is_reported(size: tuple[int, int], warns: bool) -> None:
    assert any("stretched by more than 1.5 to fit 128x64" in text for text in about(coloured(*size))) == warns


def test_an_image_with_an_exif_rotation_is_reported() -> None:
    image = coloured(128, 64)
    image.getexif()[0x0112] = 6
    assert about(image) == [
        "1 of 1 images are marked as rotated by EXIF, which is not applied: they are used as stored: a.jpg"
    ]


def test_only_a_few_are_named() -> None:
    facts = [survey(f"{i}.jpg", b"", coloured(64, 64)) for i in range(9)]
    (line,) = concerns([*facts, survey("ok.jpg", b"", coloured(128, 64))], 128, 64)
    assert line.startswith("9 of 10 images")
    assert line.endswith(": 0.jpg, 1.jpg, 2.jpg, ...")
