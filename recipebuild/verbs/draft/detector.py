"""A detector as Ultralytics export it -> the fields of its recipe: where its graph is cut, and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from recipebuild.facts.tasks import DETECTION
from recipebuild.toolkit.graph.last_maps import ImageMap, last_maps
from recipebuild.verbs.draft.facts import Fact

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.graph.statistics import Tensor

_SIDES = 4


def facts(model: onnx.ModelProto, results: Sequence[Tensor], sides: Sequence[int]) -> dict[str, Fact]:
    """The fields of a detector of YOLOv8's kind; none if the model is of another.

    It gives [N, 4 + classes, places], with a place for each cell of grids of 4 bins + classes channels.

    Args:
        model: An ONNX model; large weights may be missing.
        results: What it gives.
        sides: Height and width of its image.
    """
    shape = results[0].shape or ()
    if len(results) > 1 or len(shape) != 3 or not all(isinstance(size, int) for size in shape):
        return {}
    rows, places = (int(size) for size in shape[1:])
    grids = sorted(last_maps(model, sides), key=lambda grid: grid.stride)
    cells = sum(sides[0] // stride * (sides[1] // stride) for stride in {grid.stride for grid in grids})
    classes = rows - _SIDES
    if cells != places or classes < 1 or not _of_one_head(grids, classes):
        return {}
    strides = ", ".join(str(stride) for stride in sorted({grid.stride for grid in grids}))
    theirs = any((entry.key, entry.value) == ("author", "Ultralytics") for entry in model.metadata_props)
    why = "as Ultralytics train theirs" if theirs else "usual for such detectors"
    return {
        "model.task": Fact(DETECTION, f"its output is {results[0]}: a box and {classes} classes a place"),
        "model.outputs": Fact([grid.name for grid in grids], f"strides {strides}; 8 bits do not hold decoded boxes"),
        "detector.kind": Fact("yolov8", "grids of distances and classes"),
        "detector.classes": Fact(classes, f"{rows} rows, less {_SIDES} of the boxes"),
        "input.resize": Fact("letterbox", why, theirs),
        "input.color": Fact("RGB", why, theirs),
        "input.mean": Fact([0, 0, 0], why, theirs),
        "input.std": Fact([255, 255, 255], f"{why}: pixels of 0..1", theirs),
        "head.kind": Fact("none", "the program decodes the grids"),
        "calibration.format": Fact("Numpy", "letterboxed here: Pulsar2 stretches the images that it reads"),
    }


def _of_one_head(grids: Sequence[ImageMap], classes: int) -> bool:
    """Whether each stride has a grid of 4 bins + classes channels, or these apart, of as many bins."""
    bins = set()
    for _, of_stride in groupby(grids, key=lambda grid: grid.stride):
        channels = [grid.channels for grid in of_stride]
        if len(channels) > 2 or (len(channels) == 2 and classes not in channels):
            return False
        bins.add(sum(channels) - classes)
    return len(bins) == 1 and min(bins) >= _SIDES and min(bins) % _SIDES == 0
