"""Metrics on matrices whose figures are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recipebuild.evaluate.metrics import class_iou, confusion_matrix, mean_iou, pixel_accuracy


def test_the_matrix_has_truth_in_rows_and_leaves_out_what_is_ignored() -> None:
    truth = np.array([[0, 0, 1, 255], [2, 2, 2, 255]], np.uint8)
    predicted = np.array([[0, 1, 1, 0], [2, 2, 0, 2]])
    assert confusion_matrix(truth, predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


def test_it_counts_every_pair_in_its_own_cell_even_with_many_classes() -> None:
    ids = np.arange(255, dtype=np.uint8)
    matrix = confusion_matrix(ids, ids[::-1].astype(np.int64), 255)
    np.testing.assert_array_equal(matrix, np.eye(255)[::-1])


@pytest.mark.parametrize(
    ("matrix", "accuracy", "ious", "mean"),
    [
        ([[5, 0], [0, 7]], 1.0, {0: 1.0, 1: 1.0}, 1.0),
        ([[0, 5], [7, 0]], 0.0, {0: 0.0, 1: 0.0}, 0.0),
        # 1 / (2 + 2 - 1), 1 / (1 + 2 - 1), 2 / (3 + 2 - 2)
        ([[1, 1, 0], [0, 1, 0], [1, 0, 2]], 4 / 6, {0: 1 / 3, 1: 1 / 2, 2: 2 / 3}, 1 / 2),
        # everything is called class 0: right for most pixels, but not good
        ([[90, 0], [10, 0]], 0.9, {0: 0.9, 1: 0.0}, 0.45),
        # class 2 never occurs, but is predicted: it is not averaged over, and costs class 1
        ([[4, 0, 0], [0, 2, 2], [0, 0, 0]], 6 / 8, {0: 1.0, 1: 0.5}, 0.75),
    ],
    ids=["perfect", "all-wrong", "three-classes", "constant", "absent-class"],
)
def test_known_matrices(matrix: list[list[int]], accuracy: float, ious: dict[int, float], mean: float) -> None:
    counts = np.array(matrix, np.int64)
    assert pixel_accuracy(counts) == pytest.approx(accuracy)
    assert class_iou(counts) == pytest.approx(ious)
    assert mean_iou(counts) == pytest.approx(mean)


def test_matrices_of_images_add_up() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 5, (2, 4, 100))
    parts = sum(confusion_matrix(t, p, 5) for t, p in zip(truth, predicted, strict=True))
    np.testing.assert_array_equal(parts, confusion_matrix(truth, predicted, 5))


def test_no_pixels_give_no_figure() -> None:
    empty = np.zeros((3, 3), np.int64)
    assert class_iou(empty) == {}
    assert math.isnan(mean_iou(empty))
    assert math.isnan(pixel_accuracy(empty))
