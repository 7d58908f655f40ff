"""The labels of object detection: COCO's JSON, YOLO's text, VOC's XML -> for each image a way to read its objects.

    for name, file, label in coco(folder, split="", names=("person", "car")):
        truth = label.truth(image.size, classes=2)

What an annotation is of is a class id (YOLO), or a name that is looked up among the model's (VOC, and COCO where they
are the same names; else COCO's categories are the classes, in the order of their ids).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recipebuild.errors import StepError
from recipebuild.toolkit.detection.truth import Truth

SLACK = 1.0
"""How many pixels a box may reach out of its image, where tools round differently; it is cut at the edge."""


class LabelledBox(NamedTuple):
    """One annotation: where the file has it, its class, its corners in pixels, and whether it is a crowd."""

    where: str
    class_id: int
    corners: tuple[float, float, float, float]
    crowd: bool = False


@dataclass(frozen=True)
class BoxLabel:
    """The objects of one image, not read yet.

    Attributes:
        name: The file that has them, for messages.
        read: From width and height of the image, its annotations.
    """

    name: str
    read: Callable[[int, int], Iterator[LabelledBox]]

    def truth(self, size: tuple[int, int], classes: int) -> Truth:
        """The objects; those without an area are left out.

        Args:
            size: Width and height of the image.
            classes: How many classes the model has.

        Raises:
            StepError: If the file cannot be read, a box is not in the image, or the model has no such class.
        """
        import numpy as np

        width, height = size
        kept = []
        for box in self.read(width, height):
            left, top, right, bottom = box.corners
            inside = -SLACK <= left <= right <= width + SLACK and -SLACK <= top <= bottom <= height + SLACK
            if not inside:
                corners = ", ".join(f"{side:g}" for side in box.corners)
                raise StepError(
                    f"{self.name}, {box.where}: the box {corners} is not in the image of {width}x{height}",
                    remedy="boxes are in pixels of the stored image (YOLO: fractions of it); EXIF is not applied",
                )
            if not 0 <= box.class_id < classes:
                raise StepError(
                    f"{self.name}, {box.where}: class id {box.class_id}, but the {classes} classes are "
                    f"0..{classes - 1}",
                    remedy="give the labels the model's own class ids; or name its classes in evaluate.labels",
                )
            if right > left and bottom > top:
                kept.append(box)
        boxes = np.array([box.corners for box in kept], np.float64).reshape(-1, 4)
        return Truth(
            np.clip(boxes, 0, [width, height] * 2),
            np.array([box.class_id for box in kept], np.int64),
            np.array([box.crowd for box in kept], bool),
            size,
        )


def class_ids(names: Sequence[str]) -> dict[str, int]:
    """Class ids by name, in small letters."""
    return {" ".join(name.split()).casefold(): i for i, name in enumerate(names) if name.strip()}


def known_class(name: str, ids: dict[str, int], where: str) -> int:
    """The class id of a name.

    Raises:
        StepError: If the model has no such class.
    """
    class_id = ids.get(" ".join(name.split()).casefold())
    if class_id is None:
        there = ", ".join(list(ids)[:5]) + (", ..." if len(ids) > 5 else "") if ids else "none that is known"
        raise StepError(
            f"{where}: the model has no class called {name}; it has {there}",
            remedy="set evaluate.labels to the names in the labels, in the order of the model's ids",
        )
    return class_id
