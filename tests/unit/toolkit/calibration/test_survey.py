"""What a user is warned of before calibrating."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recipebuild.toolkit.calibration.survey import ImageFacts, concerns, survey


def about(image: Image.Image, width: int = 128, height: int = 64) -> list[str]:
    return alike([survey("a.jpg", b"12345", image)], width, height)


def alike(facts: list[ImageFacts], width: int = 128, height: int = 64) -> list[str]:
    """What is said of images, but for how few they are, and that those made here have one colour."""
    usual = ("are few", "of a single colour")
    return [text for text in concerns(facts, width, height) if not any(words in text for words in usual)]


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
        "RB205 1 of 1 images are grey, and tell nothing of colours: a.jpg"
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
        "RB211 1 of 1 images are marked as rotated by EXIF, which is not applied: they are used as stored: a.jpg"
    ]


def test_only_a_few_are_named() -> None:
    facts = [survey(f"{i}.jpg", b"", coloured(64, 64)) for i in range(9)]
    (line, *_) = alike([*facts, survey("ok.jpg", b"", coloured(128, 64))], 128, 64)
    assert line.startswith("RB206 9 of 10 images")
    assert line.endswith(": 0.jpg, 1.jpg, 2.jpg, ...")


def scene(seed: int, size: tuple[int, int] = (128, 64)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def of(images: dict[str, Image.Image]) -> list[str]:
    return concerns([survey(name, b"", image) for name, image in images.items()], 128, 64)


def test_enough_different_scenes_give_no_warning() -> None:
    assert of({f"{i}.jpg": scene(i) for i in range(16)}) == []


def test_few_images_are_reported() -> None:
    assert of({f"{i}.jpg": scene(i) for i in range(15)}) == [
        "RB204 15 images are few: the ranges of activations depend on which; 32 is usual"
    ]


def test_twins_are_reported_once() -> None:
    scenes = {f"{i:02}.jpg": scene(i) for i in range(16)}
    scenes["15.jpg"] = Image.eval(scene(3), lambda value: min(255, value + 1))
    (line,) = of(scenes)
    assert line == "RB209 1 of 16 images are nearly the same as others, and tell little more (select: diverse): 15.jpg"


def test_an_image_that_is_like_no_other_is_reported() -> None:
    faint = {f"{i:02}.jpg": Image.blend(scene(0), scene(i), 0.25) for i in range(16)}
    faint["07.jpg"] = Image.eval(faint["07.jpg"], lambda value: 255 - value)
    assert of(faint) == [
        "RB210 1 of 16 images are far from all others: see that they are what the model will get: 07.jpg"
    ]


def test_small_and_plain_images_are_reported() -> None:
    scenes = {f"{i:02}.jpg": scene(i) for i in range(16)}
    small, plain = of(scenes | {"03.jpg": scene(3, (64, 32)), "04.jpg": coloured(128, 64)})
    assert small == "RB207 1 of 16 images are smaller than 128x64: enlarged, they lack detail: 03.jpg"
    assert plain == "RB208 1 of 16 images are of a single colour, and tell nothing: 04.jpg"
