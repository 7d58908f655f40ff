"""Ranges by method, from a model and batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.calibrate import Method, group_ranges, measure
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.ranges import Range

Make = Callable[..., onnx.ModelProto]


def calibrate(model: onnx.ModelProto, batches: Any, method: Method, *progress: Any) -> dict[str, Range]:
    plan = planned(model)
    return group_ranges(plan, measure(model, plan, batches, method, *progress), method)


@pytest.fixture
def with_outlier() -> tuple[ImageSpec, list[Any]]:
    """Two batches of 24,576 normally distributed numbers, cut off at -3 and 3, and in the second one a lone 60."""
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(1, 3, 64, 128)).clip(-3, 3).astype(np.float32) for _ in range(2)]
    batches[1][0, 1, 7, 7] = 60
    return ImageSpec(shape=(1, 3, 64, 128), mean=(0, 0, 0), std=(1, 1, 1)), batches


@pytest.mark.parametrize(
    ("method", "least", "most"), [("MinMax", 60, 60), ("Percentile", 3, 3.1), ("MSE", 3, 59), ("KL", 3, 15)]
)
def test_only_minmax_keeps_an_outlier(
    make_model: Make, with_outlier: tuple[ImageSpec, list[Any]], method: Method, least: float, most: float
) -> None:
    spec, batches = with_outlier
    nodes = [
        helper.make_node("Neg", ["pixel_values"], ["negative"]),
        helper.make_node("Transpose", ["negative"], ["output"], perm=[0, 2, 3, 1]),
    ]
    ranges = calibrate(prepare(make_model(nodes, ["output"], shape=spec.shape), spec), batches, method)
    assert set(ranges) == {"pixel_values", "negative"}  # what a Transpose gives shares its input's
    assert least <= ranges["pixel_values"].high <= most
    assert ranges["pixel_values"].low == pytest.approx(-3, abs=0.2)
    assert least <= -ranges["negative"].low <= most


def test_kl_leaves_what_a_softmax_gives_its_extremes(
    make_model: Make, with_outlier: tuple[ImageSpec, list[Any]]
) -> None:
    spec, batches = with_outlier  # the lone 60 gives one weight of 1 among many that are next to 0
    nodes = [
        helper.make_node("Softmax", ["pixel_values"], ["weights"], axis=3),
        helper.make_node("Transpose", ["weights"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Neg", ["turned"], ["output"]),
    ]
    model = prepare(make_model(nodes, ["output"], shape=spec.shape), spec)
    ranges = calibrate(model, batches, "KL")
    assert ranges["weights"].high == pytest.approx(1)
    assert -ranges["output"].low < 0.9


@pytest.mark.parametrize("method", ["MinMax", "Percentile", "MSE", "KL"])
def test_a_constant_has_its_own_range(make_model: Make, spec: ImageSpec, method: Method) -> None:
    model = prepare(make_model([helper.make_node("Neg", ["pixel_values"], ["output"])], ["output"]), spec)
    ranges = calibrate(model, [np.full((1, 3, 4, 8), 0.5, np.float32)], method)
    assert ranges == {"pixel_values": Range(0.5, 0.5), "output": Range(-0.5, -0.5)}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("MinMax", [(1 / 3, "sample 1 of 3"), (2 / 3, "sample 2 of 3"), (1, "sample 3 of 3")]),
        ("KL", [(i / 6, f"{'histograms, ' * (i > 3)}sample {(i - 1) % 3 + 1} of 3") for i in range(1, 7)]),
    ],
)
def test_progress_is_told_after_each_image(
    make_model: Make, spec: ImageSpec, batches: list[Any], method: Method, expected: list[tuple[float, str]]
) -> None:
    progress: list[tuple[float, str]] = []
    model = prepare(make_model([helper.make_node("Neg", ["pixel_values"], ["output"])], ["output"]), spec)
    calibrate(model, batches, method, lambda fraction, text: progress.append((fraction, text)))
    assert [text for _, text in progress] == [text for _, text in expected]
    assert [fraction for fraction, _ in progress] == pytest.approx([fraction for fraction, _ in expected])
