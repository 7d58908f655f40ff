"""Predicted noise and the scales that make it least, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.equalize.noise import Linear, Score, Spread, choose, extent, ranges

# Two channels: the first in [-1, 1], the second in [-4, 4], both even: E[x^2] is 1/3 and 16/3.
SPREAD = Spread(np.array([-1.0, -4.0]), np.array([1.0, 4.0]), np.array([1 / 3, 16 / 3]))
FIRST = np.array([[0, 1]])


def linear(weights: list[list[float]]) -> Linear:
    return Linear(SPREAD, np.array(weights), FIRST, variance=10.0)


def test_ranges_reach_from_zero() -> None:
    assert list(ranges(SPREAD)) == [2, 8]
    above = Spread(np.array([2.0]), np.array([5.0]), np.array([13.0]))
    assert list(ranges(above)) == [5] and extent(above, np.array([2.0])) == 2.5
    assert extent(SPREAD, np.array([1.0, 4.0])) == 2


def test_noise_of_a_linear_layer() -> None:
    # R = 8: (8/255)^2/12 (2^2 + 0.5^2); the largest weight is 2: (2/127.5)^2/12 (1/3 + 16/3); over a variance of 10
    plain = ((8 / 255) ** 2 / 12 * 4.25 + (2 / 127.5) ** 2 / 12 * 17 / 3) / 10
    assert linear([[2, 0.5]]).noise(np.ones(2)) == pytest.approx(plain)
    # s = 1, 4: R = 2, weights 2 and 2, E[x^2 / s^2] = 1/3 and 1/3
    scaled = ((2 / 255) ** 2 / 12 * 8 + (2 / 127.5) ** 2 / 12 * 2 / 3) / 10
    assert linear([[2, 0.5]]).noise(np.array([1.0, 4.0])) == pytest.approx(scaled)


def test_a_layer_that_keeps_channels_apart_sees_only_its_own() -> None:
    # Depthwise: output 0 takes channel 0 by a weight of 2, output 1 takes channel 1 by 0.5.
    apart = Linear(SPREAD, np.array([[2.0], [0.5]]), np.array([[0], [1]]), variance=1.0)
    weights = (2 / 127.5) ** 2 / 12 / 3 + (0.5 / 127.5) ** 2 / 12 * 16 / 3
    assert apart.noise(np.ones(2)) == pytest.approx((8 / 255) ** 2 / 12 * 4.25 + weights)
    assert list(apart.largest(2)) == [2, 0.5]


def test_noise_of_scores() -> None:
    key = Spread(np.array([-8.0, -2.0]), np.array([8.0, 2.0]), np.array([64 / 3, 4 / 3]))
    score = Score(SPREAD, key, variance=2.0)
    plain = ((8 / 255) ** 2 / 12 * 68 / 3 + (16 / 255) ** 2 / 12 * 17 / 3) / 2
    assert score.noise(np.ones(2)) == pytest.approx(plain)
    # s = 1/2, 2: q in [-2, 2] throughout, k in [-4, 4] throughout
    scaled = ((4 / 255) ** 2 / 12 * (16 / 3 + 16 / 3) + (8 / 255) ** 2 / 12 * (4 / 3 + 4 / 3)) / 2
    assert score.noise(np.array([0.5, 2.0])) == pytest.approx(scaled)


def test_the_scales_are_the_best_of_the_grid() -> None:
    one = linear([[2, 0.5]])
    choice = choose(SPREAD, [one])
    assert choice.scale[0] * choice.scale[1] == pytest.approx(1)
    assert choice.gain == pytest.approx(10 * np.log10(one.noise(np.ones(2)) / one.noise(choice.scale)))
    grid = np.linspace(0, 1, 11)
    every = [one.noise(np.array([2**a / 2**b, 8**a / 0.5**b])) for a in grid for b in grid]
    assert one.noise(choice.scale) == pytest.approx(min(every))
    assert choice.gain > 5


def test_what_fits_already_stays_as_it_is() -> None:
    even = Spread(np.array([-1.0, -1.0]), np.array([1.0, 1.0]), np.array([1 / 3, 1 / 3]))
    choice = choose(even, [Linear(even, np.array([[1.0, 1.0]]), FIRST, 1.0)])
    assert list(choice.scale) == [1, 1] and choice.gain == 0


def test_a_channel_that_holds_nothing_keeps_a_scale_of_1() -> None:
    dead = Spread(np.array([-1.0, 0.0, -4.0]), np.array([1.0, 0.0, 4.0]), np.array([1 / 3, 0, 16 / 3]))
    choice = choose(dead, [Linear(dead, np.array([[2, 1, 0.5]]), np.array([[0, 1, 2]]), 1.0)])
    assert choice.scale[1] == 1 and choice.gain > 5
