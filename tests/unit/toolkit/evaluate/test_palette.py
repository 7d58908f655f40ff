"""Colours that can be told apart."""

from __future__ import annotations

import itertools

import pytest

from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.palette import CITYSCAPES, IGNORED, palette


def test_classes_with_the_names_of_cityscapes_have_its_colours_in_any_order() -> None:
    names = [label.name for label in CITYSCAPES]
    assert palette(names) == CITYSCAPES
    assert palette([name.title() for name in reversed(names)])[5] == ("Car", (0, 0, 142))
    assert len({label.name for label in CITYSCAPES}) == len({label.color for label in CITYSCAPES}) == 19


def test_nineteen_other_classes_have_other_colours() -> None:
    labels = palette([f"fruit {i}" for i in range(19)])
    assert labels[0].name == "fruit 0"
    assert not {label.color for label in labels} & {label.color for label in CITYSCAPES}


@pytest.mark.parametrize("classes", [1, 2, 19, 21, 150, 255])
def test_any_other_number_has_a_colour_for_each_class(classes: int) -> None:
    labels = palette(class_names(classes))
    colors = [label.color for label in labels]
    assert len({*colors, IGNORED}) == classes + 1
    assert all(0 <= channel <= 255 for color in colors for channel in color)


def test_a_few_classes_are_far_apart() -> None:
    for one, other in itertools.combinations([label.color for label in palette(class_names(10))], 2):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


def test_colours_do_not_depend_on_how_many_there_are() -> None:
    assert palette(class_names(150))[:10] == palette(class_names(10))
