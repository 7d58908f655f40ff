"""From a model's outputs to the objects in an image: decode, suppress, and back to the image's pixels.

Use: ``objects = detect(outputs, Detector(kind="yolov8", classes=80), spec_size, image.size, letterbox=True)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.errors import StepError
from recipebuild.facts.detectors import DETECTORS, DetectorName
from recipebuild.toolkit.detection.decode import decode
from recipebuild.toolkit.detection.letterbox import Placement, to_image
from recipebuild.toolkit.detection.nms import nms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Pair = tuple[float, float]


class Detector(BaseModel):
    """How outputs become boxes.

    Attributes:
        kind: A row of ``facts/detectors.py``.
        classes: How many classes there are.
        threshold: The score (0..1) above which a box counts.
        iou: The largest IoU of two boxes of a class that both stay, where there is non-maximum suppression.
        limit: How many boxes an image has at most: those of the highest scores.
        anchors: Of yolov5: three of width and height in pixels for each grid; ``None`` for its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: DetectorName
    classes: int = Field(ge=1)
    threshold: float = Field(default=0.001, ge=0, lt=1)
    iou: float = Field(default=0.7, gt=0, le=1)
    limit: int = Field(default=100, ge=1)
    anchors: tuple[tuple[Pair, Pair, Pair], ...] | None = None


@dataclass(frozen=True)
class Objects:
    """What was detected in one image, the highest score first.

    Attributes:
        boxes: float64 ``[n, 4]``: x1, y1, x2, y2 in pixels of the image.
        scores: float64 ``[n]``, 0..1.
        ids: Class ids, int64 ``[n]``.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]


CANDIDATES = 3000
"""How many boxes of an image are looked at, those of the highest scores: suppression takes the square of it."""


def detect(
    outputs: Sequence[npt.NDArray[Any]], detector: Detector, size: tuple[int, int], placed: Placement,
    image: tuple[int, int], name: str,
) -> Objects:  # fmt: skip
    """The objects in the first image of a batch.

    Args:
        outputs: What the model gives.
        detector: How they become boxes.
        size: Width and height of the input.
        placed: Where the image lies in it.
        image: The image's width and height.
        name: What messages call the model.

    Raises:
        StepError: If the outputs are not those of such a detector.
    """
    import numpy as np

    try:
        boxes, scores, ids = decode(
            detector.kind, outputs, classes=detector.classes, size=size, threshold=detector.threshold,
            anchors=detector.anchors or (),
        )  # fmt: skip
    except ValueError as error:
        raise StepError(
            f"{name}: {error}",
            field="detector.kind",
            remedy="docs/how-to/detection.md has the outputs of each kind; model.outputs cuts a graph at others",
        ) from error
    boxes, scores, ids = boxes[:CANDIDATES], scores[:CANDIDATES], ids[:CANDIDATES]
    if ids.size and ids.max() >= detector.classes:
        raise StepError(
            f"{name} gives class {ids.max()}, but detector.classes is {detector.classes}",
            field="detector.classes",
            remedy="set it to the number of classes of the model",
        )
    kept = np.arange(len(ids))
    if DETECTORS[detector.kind].nms:
        kept = nms(boxes, scores, ids, limit=detector.iou)
    kept = kept[: detector.limit]
    return Objects(to_image(boxes[kept], placed, image), scores[kept], ids[kept])
