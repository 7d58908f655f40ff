"""The arithmetic of each type."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.quantize.numbers import Parameters, Type, codes, limits, of_range, of_weights, values_of
from recipebuild.toolkit.quantize.ranges import Range


@pytest.mark.parametrize(
    ("kind", "low", "high", "scale", "zero_point"),
    [
        ("U8", -2.0, 4.0, 6 / 255, 85),  # 2 / (6 / 255)
        ("U8", -1.0, 4.1, 5.1 / 255, 50),  # 1 / 0.02
        ("U8", 1.0, 4.0, 4 / 255, 0),  # widened to hold 0
        ("U8", -3.0, -1.0, 3 / 255, 255),
        ("U16", -2.0, 4.0, 6 / 65535, 21845),
        ("S8", -2.0, 4.0, 4 / 127.5, 0),
        ("S8", -8.0, 1.0, 8 / 127.5, 0),
        ("S16", -2.0, 4.0, 4 / 32767.5, 0),
        ("U8", 0.0, 0.0, 1, 0),
        ("S8", 0.0, 0.0, 1, 0),
    ],
)
def test_the_parameters_of_a_range(kind: Type, low: float, high: float, scale: float, zero_point: int) -> None:
    parameters = of_range(kind, Range(low, high))
    assert parameters.scale == np.float32(scale)
    assert parameters.zero_point == zero_point


def test_weights_have_a_scale_per_channel_of_the_largest_by_127_and_a_half() -> None:
    weights = np.array([[1, -2, 0.5], [0.25, 0.125, -0.125]], np.float32)
    parameters = of_weights("S8", weights, axis=0)
    np.testing.assert_array_equal(parameters.scale, np.array([2, 0.25], np.float32) / np.float32(127.5))
    # 63.75, -127.5 and 31.875; 127.5, 63.75 and -63.75. In float32, 2 / (2 / 127.5) is a little less than 127.5.
    assert codes(weights, parameters).tolist() == [[64, -127, 32], [127, 64, -64]]


def test_a_channel_of_zeros_stays_zero() -> None:
    weights = np.array([[0, 0], [1, 2]], np.float32)
    parameters = of_weights("S8", weights, axis=0)
    assert (parameters.scale > 0).all()
    assert values_of(codes(weights, parameters), parameters)[0].tolist() == [0, 0]


@pytest.mark.parametrize(("value", "code"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (300, 127), (-300, -128)])
def test_halves_go_to_even_codes_and_what_is_outside_is_cut_off(value: float, code: int) -> None:
    one = Parameters("S8", np.ones((), np.float32), np.zeros((), np.int64))
    assert codes(np.array([value], np.float32), one).tolist() == [code]


def test_codes_stand_for_what_the_scale_says() -> None:
    parameters = of_range("U8", Range(-1, 4.1))
    assert values_of(np.array([0, 50, 255], np.uint8), parameters) == pytest.approx([-1, 0, 4.1])


@pytest.mark.parametrize("kind", ["U8", "S8", "U16", "S16"])
def test_a_value_is_off_by_half_a_step_at_most(kind: Type) -> None:
    values = np.random.default_rng(0).uniform(-1.5, 2, 1000).astype(np.float32)
    parameters = of_range(kind, Range(-1.5, 2))
    assert np.abs(values_of(codes(values, parameters), parameters) - values).max() <= 0.5001 * parameters.scale


def test_limits() -> None:
    assert limits("U8") == (0, 255)
    assert limits("S16") == (-32768, 32767)
