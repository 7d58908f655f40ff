"""Where images lie in the input, and that boxes come back from there."""

import numpy as np
import pytest

from recipebuild.toolkit.detection.letterbox import Placement, place, to_image


@pytest.mark.parametrize(
    ("image", "corner", "placed"),
    [
        ((1920, 1080), False, Placement(640, 360, 0, 140)),
        ((1080, 1920), False, Placement(360, 640, 140, 0)),
        ((1920, 1080), True, Placement(640, 360, 0, 0)),
        ((320, 320), False, Placement(640, 640, 0, 0)),  # enlarged, too
        ((640, 427), False, Placement(640, 427, 0, 106)),  # 213 rows of padding: 106 above, 107 below
        ((10000, 1), False, Placement(640, 1, 0, 319)),
    ],
)
def test_a_letterboxed_image_keeps_its_aspect_ratio(image, corner, placed):
    assert place(image, (640, 640), letterbox=True, corner=corner) == placed


def test_a_stretched_image_fills_the_input():
    assert place((1920, 1080), (640, 480), letterbox=False) == Placement(640, 480)


def test_boxes_return_to_where_the_object_is():
    placed = place((1920, 1080), (640, 640), letterbox=True)
    assert to_image(np.array([[10, 150, 110, 200]]), placed, (1920, 1080)).tolist() == [[30, 30, 330, 180]]


def test_boxes_are_cut_at_the_edges_of_the_image():
    placed = place((100, 50), (100, 100), letterbox=True)
    assert to_image(np.array([[-5, 0, 120, 100]]), placed, (100, 50)).tolist() == [[0, 0, 100, 50]]
