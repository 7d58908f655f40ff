"""Colours that can be told apart."""

from __future__ import annotations

import itertools

import pytest

from recipebuild.toolkit.evaluate.palette import CITYSCAPES, IGNORED, palette


def test_nineteen_classes_have_the_names_and_colours_of_cityscapes() -> None:
    assert palette(19) == CITYSCAPES
    assert palette(19)[13] == ("car", (0, 0, 142))
    assert len({label.name for label in CITYSCAPES}) == len({label.color for label in CITYSCAPES}) == 19


@pytest.mark.parametrize("classes", [1, 2, 21, 150, 255])
def test_any_other_number_has_a_colour_for_each_class(classes: int) -> None:
    labels = palette(classes)
    assert [label.name for label in labels] == [f"class {i}" for i in range(classes)]
    colors = [label.color for label in labels]
    assert len({*colors, IGNORED}) == classes + 1
    assert all(0 <= channel <= 255 for color in colors for channel in color)


def test_a_few_classes_are_far_apart() -> None:
    for one, other in itertools.combinations([label.color for label in palette(10)], 2):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


def test_colours_do_not_depend_on_how_many_there_are() -> None:
    assert palette(150)[:10] == palette(10)
