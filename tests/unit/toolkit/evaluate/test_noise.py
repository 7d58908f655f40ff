"""Intervals that hold what they promise, and tell a difference from chance."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.noise import difference, interval, is_noise, paired, pseudo_values


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 1] / sums[..., 0]


def rows(values: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(values), values], axis=1)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    bounds = interval(rows(values), mean)
    assert bounds is not None
    error = 1.96 * values.std(ddof=1) / 20
    assert bounds == pytest.approx((values.mean() - error, values.mean() + error), abs=0.03)
    assert interval(rows(values), mean) == bounds, "the same each time"


def test_it_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    bounds = [interval(rows(random.normal(0, 1, 60)), mean) for _ in range(200)]
    assert 0.90 <= np.mean([pair is not None and pair[0] <= 0 <= pair[1] for pair in bounds]) <= 0.99


def test_pairs_show_a_difference_that_is_far_smaller_than_the_spread_of_images() -> None:
    random = np.random.default_rng(3)
    first = random.normal(0, 10, 50)
    second = first - 0.2 + random.normal(0, 0.1, 50)
    bounds = difference(rows(first), rows(second), mean)
    assert bounds is not None
    low, high = bounds
    assert low < -0.2 < high < -0.1
    assert not is_noise(bounds)
    assert is_noise(difference(rows(first), rows(random.normal(0, 10, 50)), mean))
    assert paired(first.tolist(), second.tolist()) == pytest.approx(bounds, abs=0.02)


def test_pseudo_values_of_a_mean_are_the_values_themselves() -> None:
    values = np.array([1.0, 5.0, 6.0])
    assert pseudo_values(rows(values), mean) == pytest.approx([1, 5, 6])


def test_pseudo_values_average_to_the_figure_also_where_it_is_no_mean() -> None:
    def ratio(sums: np.ndarray) -> np.ndarray:
        return sums[..., 0] / sums[..., 1]

    counts = np.random.default_rng(4).uniform(1, 2, (100, 2))
    assert np.mean(pseudo_values(counts, ratio)) == pytest.approx(float(ratio(counts.sum(0))), abs=1e-3)


def test_one_image_says_nothing_of_noise() -> None:
    one = rows(np.array([1.0]))
    assert interval(one, mean) is None
    assert difference(one, one, mean) is None
    assert paired([1.0], [2.0]) is None
    assert is_noise(None)
