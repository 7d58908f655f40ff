"""Clipping: what is worth it goes, what is not stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recipebuild.toolkit.quantize.histograms import BINS, Histogram
from recipebuild.toolkit.quantize.numbers import Type
from recipebuild.toolkit.quantize.ranges import Range
from recipebuild.toolkit.quantize.thresholds import kl, mse, percentile

METHODS = [percentile, mse, kl]
Method = Callable[[Histogram, Type], Range]


def histogram(values: Any) -> Histogram:
    values = np.asarray(values, np.float64)
    whole = Range(float(values.min()), float(values.max()))
    nonzero = values[values != 0]
    counts = np.zeros(BINS, np.int64)
    if whole.low < whole.high:
        counts, _ = np.histogram(nonzero, BINS, (whole.low, whole.high))
    return Histogram(whole, counts, values.size - nonzero.size)


def normal(count: int = 200_000) -> Any:
    return np.random.default_rng(0).normal(size=count)


def quantized(values: Any, clip: Range) -> Any:
    """U8, asymmetric, with zero in the range."""
    low, high = min(clip.low, 0), max(clip.high, 0)
    step = (high - low) / 255
    zero_point = np.round(-low / step)
    return (np.clip(np.round(values / step) + zero_point, 0, 255) - zero_point) * step


@pytest.mark.parametrize("method", [percentile, kl])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_lone_outlier_is_clipped_and_nothing_else(method: Method, sign: int) -> None:
    clip = method(histogram(sign * np.append(normal(), 60)), "U8")
    low, high = sorted([sign * clip.low, sign * clip.high])
    assert 3 < high < 12
    assert -5 < low < -3


@pytest.mark.parametrize("sign", [1, -1])
def test_mse_clips_an_outlier_as_far_as_it_pays(sign: int) -> None:
    # With the other end at -4.3, count * ((high + 4.3) / 255)^2 / 12 + (60 - high)^2 is least where its slope is zero.
    weight = 200_000 / 255**2 / 12
    best = (60 - 4.3 * weight) / (1 + weight)
    clip = mse(histogram(sign * np.append(normal(), 60)), "U8")
    low, high = sorted([sign * clip.low, sign * clip.high])
    assert best == pytest.approx(47, abs=1)
    assert high == pytest.approx(best, rel=0.05)
    assert -5 < low < -3


@pytest.mark.parametrize("method", [mse, kl])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1), (-3, 0), (-0.1, 2)])
def test_evenly_spread_values_are_not_clipped(method: Method, low: float, high: float) -> None:
    clip = method(histogram(np.linspace(low, high, 100_001)), "U8")
    assert clip.low == pytest.approx(low, abs=0.02 * (high - low))
    assert clip.high == pytest.approx(high, abs=0.02 * (high - low))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [0.5],
        [-3.0, -3.0],
        [0.0, 1e-40],
        [1.0, 1.0000001],
        [1e30, -1e30, 0.0],
        np.linspace(100, 101, 1000),
        np.linspace(-101, -100, 1000),
    ],
)
def test_the_result_is_a_part_of_the_range_whatever_the_values(method: Method, values: Any) -> None:
    counted = histogram(values)
    clip = method(counted, "U8")
    assert counted.range.low <= clip.low <= clip.high <= counted.range.high
    if counted.width == 0:
        assert clip == counted.range


def test_percentile_leaves_out_one_in_ten_thousand_on_either_side() -> None:
    values = np.arange(100_000) - 20_000
    clip = percentile(histogram(values), "U8")
    width = 99_999 / BINS
    assert values[10] - width <= clip.low <= values[10]
    assert values[-11] <= clip.high <= values[-11] + width


def test_percentile_counts_zeros() -> None:
    some = np.append(np.linspace(0.01, 1, 99), 50)
    assert percentile(histogram(some), "U8").high == pytest.approx(50)  # one in a hundred is no outlier
    assert percentile(histogram(np.append(some, np.zeros(10**6))), "U8").high < 0.1  # one in ten thousand is


def test_mse_is_as_good_as_the_best_of_a_thousand_ranges() -> None:
    values = np.random.default_rng(0).laplace(size=50_000)
    clip = mse(histogram(values), "U8")

    def loss(low: float, high: float) -> float:
        return float(((values - quantized(values, Range(low, high))) ** 2).mean())

    best = min(loss(low, high) for low in np.linspace(-12, -4, 32) for high in np.linspace(4, 12, 32))
    assert loss(clip.low, clip.high) < 1.05 * best
    assert loss(clip.low, clip.high) < 0.95 * loss(values.min(), values.max())


@pytest.mark.parametrize("crowd", [0, 10**7])
def test_kl_leaves_out_what_is_next_to_zero(crowd: int) -> None:
    plain = histogram(np.abs(normal()))
    counts = plain.counts.copy()
    counts[: int(0.002 * BINS)] += crowd  # as behind a Gelu, where most values are all but zero
    assert kl(Histogram(plain.range, counts, 0), "U8") == kl(plain, "U8")


def test_zeros_do_not_change_where_mse_and_kl_clip() -> None:
    values = np.abs(normal())
    for method in (mse, kl):
        assert method(histogram(np.append(values, np.zeros(10**6))), "U8").high == pytest.approx(
            method(histogram(np.append(values, 0.0)), "U8").high
        )


def test_kl_does_not_take_a_range_below_all_values_for_lossless() -> None:
    roots = np.sqrt(np.random.default_rng(0).uniform(0.9, 1.1, 500))
    assert kl(histogram(roots), "U8").high > np.median(roots)
