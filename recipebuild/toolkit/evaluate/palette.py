"""Colours of classes.

Use: ``palette(class_names(3))[0] == Label("class 0", (242, 85, 85))``.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import NamedTuple

Color = tuple[int, int, int]

IGNORED: Color = (0, 0, 0)
"""The colour of pixels that do not count."""


class Label(NamedTuple):
    """What a class is called, and how it is painted."""

    name: str
    color: Color


CITYSCAPES = (
    Label("road", (128, 64, 128)),
    Label("sidewalk", (244, 35, 232)),
    Label("building", (70, 70, 70)),
    Label("wall", (102, 102, 156)),
    Label("fence", (190, 153, 153)),
    Label("pole", (153, 153, 153)),
    Label("traffic light", (250, 170, 30)),
    Label("traffic sign", (220, 220, 0)),
    Label("vegetation", (107, 142, 35)),
    Label("terrain", (152, 251, 152)),
    Label("sky", (70, 130, 180)),
    Label("person", (220, 20, 60)),
    Label("rider", (255, 0, 0)),
    Label("car", (0, 0, 142)),
    Label("truck", (0, 0, 70)),
    Label("bus", (0, 60, 100)),
    Label("train", (0, 80, 100)),
    Label("motorcycle", (0, 0, 230)),
    Label("bicycle", (119, 11, 32)),
)
"""By trainId, as in github.com/mcordts/cityscapesScripts, cityscapesscripts/helpers/labels.py."""

_GOLDEN_RATIO = 0.618033988749895


def palette(names: Sequence[str]) -> tuple[Label, ...]:
    """The labels of classes with these names, by class id; those of Cityscapes, in any order, have its colours.

    Otherwise hues follow each other in steps of the golden ratio, which keeps any number of them apart, in turns light
    and dark.
    """
    known = {label.name: label.color for label in CITYSCAPES}
    if sorted(name.lower() for name in names) == sorted(known):
        return tuple(Label(name, known[name.lower()]) for name in names)
    return tuple(Label(name, _color(i)) for i, name in enumerate(names))


def _color(index: int) -> Color:
    saturation, value = ((0.65, 0.95), (0.85, 0.7), (0.45, 0.85))[index % 3]
    red, green, blue = colorsys.hsv_to_rgb(index * _GOLDEN_RATIO % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)
