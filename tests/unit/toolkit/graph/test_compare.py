"""The figures of a comparison, worked out by hand, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipebuild.errors import CheckError, StepError
from recipebuild.toolkit.graph.compare import OutputDifference, difference, in_order_of, run_model, with_classes
from recipebuild.toolkit.graph.edit import sure


def _floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_errors_are_measured_against_the_largest_value() -> None:
    measured = difference([[_floats(0, -4, 2)]], [[_floats(0.5, -4, 2)]])
    assert measured == OutputDifference(absolute=0.5, relative=0.125, agreement=None)


def test_the_worst_tensor_of_all_images_counts() -> None:
    expected = [[_floats(1)], [_floats(100)], [_floats(10)]]
    got = [[_floats(1.25)], [_floats(99)], [_floats(10)]]
    assert difference(expected, got) == OutputDifference(absolute=1.0, relative=0.25, agreement=None)


def test_integers_are_class_ids_and_compared_by_agreement_over_all_images() -> None:
    expected = [[np.array([[0, 1, 2, 3]])], [np.array([[4, 4, 4, 4]])]]
    got = [[np.array([[0, 1, 2, 9]])], [np.array([[4, 4, 4, 4]])]]
    assert difference(expected, got) == OutputDifference(absolute=None, relative=None, agreement=7 / 8)


def test_where_zero_is_expected_any_error_is_too_large() -> None:
    assert difference([[_floats(0)]], [[_floats(0)]]).relative == 0
    assert difference([[_floats(0)]], [[_floats(1e-6)]]).beyond(relative=1e9, agreement=0)


@pytest.mark.parametrize(
    ("measured", "beyond"),
    [
        (OutputDifference(5.0, 1e-3, 0.999), False),
        (OutputDifference(5.0, 1.1e-3, 1.0), True),
        (OutputDifference(5.0, 0.0, 0.9989), True),
        (OutputDifference(None, None, 1.0), False),
        (OutputDifference(0.0, 0.0, None), False),
    ],
)
def test_the_limits(measured: OutputDifference, beyond: bool) -> None:
    assert measured.beyond(relative=1e-3, agreement=0.999) == beyond


def test_classes_are_those_of_an_argmax_with_the_first_of_equals() -> None:
    logits = _floats(1, 3, 3, 0).reshape(1, 4, 1, 1)
    (same, ids) = with_classes([logits], 1)
    assert same is logits
    assert (ids.tolist(), str(ids.dtype)) == ([[[[1]]]], "int64")
    assert with_classes([logits], 1, keepdims=False)[1].shape == (1, 1, 1)
    assert with_classes([logits], None) == [logits]


@pytest.mark.parametrize(
    ("bad", "says"), [(np.nan, "1 NaN and 0 infinite values among 3"), (-np.inf, "0 NaN and 1 infinite")]
)
def test_what_is_no_number_falls_short(bad: float, says: str) -> None:
    with pytest.raises(CheckError, match=says):
        difference([[_floats(1, 2, 3)]], [[_floats(1, bad, 3)]])


@pytest.mark.parametrize("got", [[_floats(1, 2)], [_floats(1, 2, 3), _floats(1)], []])
def test_other_shapes_fall_short(got: list[np.ndarray]) -> None:
    with pytest.raises(CheckError, match="instead of 3"):
        difference([[_floats(1, 2, 3)]], [got])


def test_a_model_that_cannot_run_is_a_failed_step(small_onnx: Path) -> None:
    with pytest.raises(StepError, match=r"ONNX Runtime cannot run small\.onnx"):
        run_model(small_onnx, [{"image": np.zeros((1, 3, 16, 32), np.float32)}])
    small_onnx.write_bytes(b"broken")
    with pytest.raises(StepError, match=r"ONNX Runtime cannot run small\.onnx"):
        run_model(small_onnx, [])


def test_rows_that_belong_together_are_compared_whatever_their_order() -> None:
    logits, boxes = np.random.default_rng(0).normal(size=(2, 2, 5, 3)).astype(np.float32)
    order = [3, 0, 4, 1, 2]
    got = [logits[:, order] + np.float32(1e-6), boxes[:, order]]
    assert sure(difference([[logits, boxes]], [got]).relative) > 0.1
    assert sure(difference([[logits, boxes]], [in_order_of([logits, boxes], got)]).relative) < 1e-5
    lost = [logits[:, [0, 0, 1, 2, 3]], boxes[:, [0, 0, 1, 2, 3]]]
    assert sure(difference([[logits, boxes]], [in_order_of([logits, boxes], lost)]).relative) > 0.1
