"""Histograms: all values of a small tensor, an even sample of a large one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.toolkit.quantize.histograms import BINS, SAMPLE, histograms, stride
from recipebuild.toolkit.quantize.ranges import Range, minmax

Make = Callable[..., onnx.ModelProto]


def test_every_value_of_a_small_tensor_is_counted_once(make_model: Make, batches: list[Any]) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["relu"])], ["relu"])
    names = ["pixel_values", "relu"]
    done: list[int] = []
    measured = histograms(model, dict.fromkeys(names, 96), minmax(model, names, batches), batches, done.append)
    values = np.concatenate([batch.ravel() for batch in batches])
    expected, _ = np.histogram(values.astype(np.float64), BINS, (-2, 4))
    np.testing.assert_array_equal(measured["pixel_values"].counts, expected)
    assert measured["relu"].zeros == (values <= 0).sum()
    assert measured["relu"].counts.sum() == (values > 0).sum()
    assert done == [1, 2, 3]


def test_bins_lie_between_the_extremes(make_model: Make, batches: list[Any]) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["relu"])], ["relu"])
    histogram = histograms(model, {"pixel_values": 96}, {"pixel_values": Range(-2, 4)}, batches)["pixel_values"]
    assert histogram.width == pytest.approx(6 / BINS)
    assert histogram.centers[[0, -1]] == pytest.approx([-2 + histogram.width / 2, 4 - histogram.width / 2])


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_a_constant_tensor_has_no_histogram_and_is_no_error(make_model: Make, value: float) -> None:
    model = make_model([helper.make_node("Identity", ["pixel_values"], ["output"])], ["output"])
    constant = [np.full((1, 3, 4, 8), value, np.float32)]
    histogram = histograms(model, {"output": 96}, minmax(model, ["output"], constant), constant)["output"]
    assert histogram.range == Range(value, value)
    assert histogram.width == 0


def test_values_next_to_each_other_in_float32_are_told_apart(make_model: Make) -> None:
    model = make_model([helper.make_node("Identity", ["pixel_values"], ["output"])], ["output"])
    batch = np.ones((1, 3, 4, 8), np.float32)
    batch[0, 0] = np.nextafter(np.float32(1), np.float32(2))
    histogram = histograms(model, {"output": 96}, minmax(model, ["output"], [batch]), [batch])["output"]
    assert histogram.counts[[0, -1]].tolist() == [64, 32]


def test_a_large_tensor_is_sampled_over_its_whole_extent(make_model: Make) -> None:
    shape = (1, 3, 512, 512)  # in which every 12th value would be of one column in four
    column = np.broadcast_to(np.arange(512, dtype=np.float32), shape)
    model = make_model([helper.make_node("Identity", ["pixel_values"], ["output"])], ["output"], shape=shape)
    measured = histograms(model, {"output": column.size}, {"output": Range(0, 511)}, [np.ascontiguousarray(column)])
    counts, zeros = measured["output"].counts, measured["output"].zeros
    assert SAMPLE / 2 < counts.sum() + zeros <= SAMPLE
    seen = counts[counts > 0]
    assert len(seen) == 511  # all columns but the one of zeros, ...
    assert seen.max() - seen.min() <= 2  # ... each equally often


@pytest.mark.parametrize("size", [1, SAMPLE, SAMPLE + 1, 3 * 640 * 1280, 51200 * 800])
def test_the_sample_is_bounded(size: int) -> None:
    k = stride(size)
    assert math.ceil(size / k) <= SAMPLE
    assert math.gcd(k, size) == 1
    assert (k == 1) == (size <= SAMPLE)
