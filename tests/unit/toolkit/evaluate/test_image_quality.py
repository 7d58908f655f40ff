"""Figures of images that are known by hand, or by the formula of the paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.image_quality import psnr, ssim


def flat(value: int, side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def test_psnr_of_a_constant_error() -> None:
    assert psnr(flat(100), flat(110)) == pytest.approx(20 * math.log10(255 / 10))
    assert psnr(flat(7), flat(7)) == 100


def test_ssim_of_flat_images_is_that_of_their_means() -> None:
    # No variance: (2ab + C1) / (a^2 + b^2 + C1), C1 = 6.5025
    assert ssim(flat(100), flat(150)) == pytest.approx((2 * 15000 + 6.5025) / (10000 + 22500 + 6.5025))
    assert ssim(flat(9), flat(9)) == pytest.approx(1)
    assert math.isnan(ssim(flat(9, side=10), flat(9, side=10)))


@pytest.mark.parametrize("size", [(16, 20), (74, 75), (80, 12)])
def test_ssim_is_the_formula_of_its_paper(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    one, other = random.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    offsets = np.arange(11) - 5
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    means = []
    for channel in range(3):
        a, b = (
            np.lib.stride_tricks.sliding_window_view(image[..., channel].astype(float), (11, 11))
            for image in (one, other)
        )
        mean = [(each * window).sum((2, 3)) for each in (a, b, a * a, b * b, a * b)]
        var_a, var_b, both = mean[2] - mean[0] ** 2, mean[3] - mean[1] ** 2, mean[4] - mean[0] * mean[1]
        top = (2 * mean[0] * mean[1] + 2.55**2) * (2 * both + 7.65**2)
        means.append((top / ((mean[0] ** 2 + mean[1] ** 2 + 2.55**2) * (var_a + var_b + 7.65**2))).mean())
    assert ssim(one, other) == pytest.approx(np.mean(means), rel=1e-6)
