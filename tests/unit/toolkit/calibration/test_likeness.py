"""Which images are alike, and which cover a set."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from recipebuild.toolkit.calibration.likeness import TWIN, look, spread, strangers, twins


def scene(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((256, 128), Image.Resampling.BICUBIC)


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.sqrt(np.square(look(one) - look(other)).mean()))


def test_another_size_another_mode_and_heavy_compression_look_the_same() -> None:
    image = scene(0)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    for other in (image.resize((100, 50)), image.convert("RGBA"), Image.open(file)):
        assert distance(image, other) < TWIN
    assert distance(image, scene(1)) > 10 * TWIN


def test_colours_and_places_are_told_apart() -> None:
    image = scene(0)
    assert distance(image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 10 * TWIN
    assert distance(image, Image.merge("RGB", image.split()[::-1])) > 10 * TWIN


def test_a_spread_takes_one_of_each_kind_before_a_second_of_any() -> None:
    looks = {
        f"{kind}-{i}": look(scene(kind).point([v // 2 + i for v in range(256)] * 3))
        for kind in range(4)
        for i in range(5)
    }
    assert {name.partition("-")[0] for name in spread(looks, 4)} == {"0", "1", "2", "3"}
    assert spread(looks, 4) == spread(dict(reversed(looks.items())), 4)


def test_a_spread_of_all_is_all_even_of_twins() -> None:
    looks = {str(i): look(scene(0)) for i in range(5)}
    assert sorted(spread(looks, 9)) == ["0", "1", "2", "3", "4"]
    assert twins(looks) == ["1", "2", "3", "4"]


def test_in_a_set_that_varies_much_nothing_is_strange() -> None:
    assert strangers({str(i): look(scene(i)) for i in range(30)}) == []
    assert strangers({"a": look(scene(0)), "b": look(scene(1))}) == []
