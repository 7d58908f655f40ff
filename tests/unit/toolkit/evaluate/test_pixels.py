"""Images that networks make, and targets that fit them."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.pixels import Target, as_pixels, fitting

SCALED = ImageSpec(shape=(1, 3, 16, 16), mean=(0, 0, 0), std=(255, 255, 255))
SWAPPED = ImageSpec(shape=(1, 3, 16, 16), color="BGR", mean=(10, 20, 30), std=(50, 60, 70))


def flat(value: int, side: int = 16, channels: int = 3) -> np.ndarray:
    return np.full((side, side, channels), value, np.uint8)


@pytest.mark.parametrize("spec", [SCALED, SWAPPED])
def test_a_network_that_gives_its_input_gives_the_image(spec: ImageSpec) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_pixels(preprocess(Image.fromarray(pixels), spec)[0], spec), pixels)


def test_values_beyond_the_range_are_cut_and_others_rounded() -> None:
    values = np.array([-1, 0.5, 0.4999 / 255, 2], np.float32).reshape(1, 2, 2)
    assert as_pixels(values, SWAPPED).ravel().tolist() == [0, 128, 0, 255]  # a matte has no mean: 127.5 to even is 128


def test_a_target_is_brought_to_what_the_network_gives() -> None:
    halves = np.repeat(np.repeat(np.array([[0, 200]], np.uint8), 64, axis=0), 32, axis=1)
    target = Target(np.repeat(halves[..., np.newaxis], 3, axis=2), factor=2)
    assert fitting(target, flat(0, side=32), SCALED)[0, [0, -1], 0].tolist() == [0, 200]
    assert fitting(target, flat(0, side=32, channels=1), SCALED).shape == (32, 32, 1)


@pytest.mark.parametrize(("factor", "words"), [(1, "as large as their images"), (4, "4 times their images")])
def test_targets_of_another_factor_are_refused(factor: int, words: str) -> None:
    with pytest.raises(StepError, match=f"makes 32x32 of 16x16, and the targets are {words}"):
        fitting(Target(flat(0), factor), flat(0, side=32), SCALED)
