"""Overlaps worked out by hand, and suppression against a loop over all pairs."""

import numpy as np
import pytest

from recipebuild.toolkit.detection.nms import iou, nms


def test_iou_is_the_shared_area_over_the_area_of_both():
    one = np.array([[0, 0, 4, 4]])
    other = np.array([[2, 2, 6, 6], [0, 0, 4, 4], [4, 0, 8, 4], [1, 1, 1, 1]])
    assert iou(one, other).tolist() == [[4 / 28, 1.0, 0.0, 0.0]]


def test_of_a_crowd_it_is_the_share_of_the_box_that_lies_inside():
    assert iou(np.array([[0, 0, 4, 4]]), np.array([[2, 0, 100, 100]]), np.array([True])).tolist() == [[0.5]]


def slow(boxes, scores, ids, limit):
    """Every pair, one by one, as the definition has it."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        rivals = [k for k in kept if ids[k] == ids[i]]
        if all(iou(boxes[[k]], boxes[[i]])[0, 0] <= limit for k in rivals):
            kept.append(i)
    return kept


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.7])
def test_what_stays_is_what_the_definition_says(limit):
    random = np.random.default_rng(3)
    corners = random.uniform(0, 60, (300, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 40, (300, 2))], axis=1)
    scores = random.integers(0, 50, 300) / 50  # with ties
    ids = random.integers(0, 4, 300)
    kept = nms(boxes, scores, ids, limit=limit)
    assert kept.tolist() == slow(boxes, scores, ids, limit)
    assert 0 < len(kept) < 300


def test_boxes_of_two_classes_do_not_suppress_each_other():
    boxes, scores = np.array([[0, 0, 4, 4]] * 2), np.array([0.3, 0.9])
    assert nms(boxes, scores, np.array([0, 1]), limit=0.5).tolist() == [1, 0]
    assert nms(boxes, scores, np.array([1, 1]), limit=0.5).tolist() == [1]


def test_of_no_boxes_none_stay():
    assert nms(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), limit=0.5).size == 0
