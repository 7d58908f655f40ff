"""Metrics on matrices whose figures are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.metrics import accuracy, class_counts, confusion_matrix, iou, mean_over_classes


def class_iou(matrix: np.ndarray) -> dict[int, float]:
    return {i: float(value) for i, value in enumerate(iou(class_counts(matrix))) if not math.isnan(value)}


def mean_iou(matrix: np.ndarray) -> float:
    return float(mean_over_classes(iou(class_counts(matrix))))


def test_the_matrix_has_truth_in_rows_and_leaves_out_what_is_ignored() -> None:
    truth = np.array([[0, 0, 1, 255], [2, 2, 2, 255]], np.uint8)
    predicted = np.array([[0, 1, 1, 0], [2, 2, 0, 2]])
    assert confusion_matrix(truth, predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


def test_it_counts_every_pair_in_its_own_cell_even_with_many_classes() -> None:
    ids = np.arange(255, dtype=np.uint8)
    matrix = confusion_matrix(ids, ids[::-1].astype(np.int64), 255)
    np.testing.assert_array_equal(matrix, np.eye(255)[::-1])


@pytest.mark.parametrize(
    ("matrix", "right", "ious", "mean"),
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
def test_known_matrices(matrix: list[list[int]], right: float, ious: dict[int, float], mean: float) -> None:
    counts = np.array(matrix, np.int64)
    assert accuracy(class_counts(counts)) == pytest.approx(right)
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
    assert math.isnan(accuracy(class_counts(empty)))
