"""The region where two models differ most."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recipebuild.toolkit.analysis.worst import draw, worst_region
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.palette import palette


def test_of_classes_it_is_where_most_pixels_are_others() -> None:
    expected = np.zeros((1, 3, 8, 16), np.float32)
    expected[0, 1] = 1
    got = expected.copy()
    got[0, 2, 5:7, 10:14] = 9
    got[0, 2, 0, 0] = 9
    region = worst_region(expected, got, 1, palette(class_names(3)))
    assert region is not None
    left, top, right, bottom = region.box
    assert (right - left, bottom - top) == (0.5, 0.5)
    assert top <= 5 / 8 and bottom >= 7 / 8 and left <= 10 / 16 and right >= 14 / 16
    assert region.loss == 8 / 32
    colors = [label.color for label in palette(class_names(3))]
    assert {tuple(pixel) for pixel in region.expected.reshape(-1, 3).tolist()} == {colors[1]}
    assert {tuple(pixel) for pixel in region.got.reshape(-1, 3).tolist()} == {colors[1], colors[2]}
    assert (region.wrong > 0).all(-1).sum() == 8


def test_of_a_map_of_numbers_it_is_where_they_are_furthest_apart() -> None:
    expected = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    got = expected.copy()
    got[0, :2, :2] += 0.5
    region = worst_region(expected, got, None)
    assert region is not None
    assert region.box == (0, 0, 0.5, 0.5)
    assert region.loss == pytest.approx(4 * 0.5 / 16)


def test_features_are_no_picture() -> None:
    tokens = np.zeros((1, 4, 8, 8), np.float32)
    assert worst_region(tokens, tokens, None) is None
    assert worst_region(np.zeros((1, 10), np.float32), np.zeros((1, 10), np.float32), -1) is None


def test_it_is_drawn_beside_its_part_of_the_image() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[20:, 40:] = (255, 0, 0)
    expected = np.zeros((1, 2, 4, 8), np.float32)
    got = expected.copy()
    got[0, 1, 2:, 4:] = 1
    region = worst_region(expected, got, 1, palette(class_names(3)))
    assert region is not None
    picture = np.asarray(draw(Image.fromarray(pixels), region))
    width = (picture.shape[1] + 6) // 4
    assert (picture[:, : width - 6] == (255, 0, 0)).all()
    assert (picture[:, 3 * width :] == 255).all()
