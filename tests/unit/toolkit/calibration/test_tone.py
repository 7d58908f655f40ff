"""Sets of images that are unlike each other, and sets that are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recipebuild.toolkit.calibration.tone import Tone, tone, unlike


def photos(count: int, seed: int, *, scale: float = 1.0, grey: bool = False, size: int = 64) -> list[Tone]:
    """Blocks of random colours around images' own brightness, times ``scale``."""
    random = np.random.default_rng(seed)
    tones = []
    for _ in range(count):
        blocks = random.normal(random.normal(120, 25), 40, (8, 8, 1 if grey else 3)) * scale
        pixels = np.broadcast_to(blocks.clip(0, 255), (8, 8, 3)).astype(np.uint8)
        tones.append(tone(Image.fromarray(pixels).resize((size, size), Image.Resampling.NEAREST)))
    return tones


def test_the_tone_of_an_image_worked_out_by_hand() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0] = 200
    pixels[1] = (100, 100, 160)  # grey: 0.299 * 100 + 0.587 * 100 + 0.114 * 160 = 106.84
    measured = tone(Image.fromarray(pixels))
    assert measured.brightness == pytest.approx((200 + 107) / 2)
    assert measured.contrast == pytest.approx((200 - 107) / 2)
    assert measured.colour == pytest.approx(30)
    assert (measured.width, measured.height) == (2, 2)


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_draws_from_one_kind_are_alike(count: int) -> None:
    assert not [line for seed in range(10) for line in unlike(photos(count, seed), photos(60, 100 + seed))]


def test_a_dark_set_is_told_with_both_figures() -> None:
    dark, others = photos(16, 1, scale=0.3), photos(60, 2)
    lines = list(unlike(dark, others))
    means = [sum(each.brightness for each in tones) / len(tones) for tones in (dark, others)]
    words = f"mean brightness {means[0]:.0f}, there {means[1]:.0f}"
    assert lines[0] == f"RB609 the calibration images are darker than those that are evaluated: {words}"
    assert "of less contrast" in lines[1]
    assert "brighter" in next(iter(unlike(photos(16, 1), photos(60, 2, scale=0.3))))


def test_grey_images_are_less_colourful_and_small_ones_smaller() -> None:
    assert any("less colourful" in line for line in unlike(photos(16, 1, grey=True), photos(60, 2)))
    (line,) = unlike(photos(16, 1, size=24), photos(60, 2))
    assert line == "RB609 the calibration images are smaller than those that are evaluated: 24x24, there 64x64"
