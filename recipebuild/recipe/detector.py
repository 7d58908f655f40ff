"""``detector``: how the outputs of an object detector become boxes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recipebuild.facts.detectors import DETECTORS, DetectorName
from recipebuild.recipe.section import Count, Positive, Section

_Pair = Annotated[tuple[Positive, Positive], Field(strict=False)]
_Triple = Annotated[tuple[_Pair, _Pair, _Pair], Field(strict=False)]


class Detector(Section):
    """From outputs to boxes: for evaluation, the preview, and the program in the bundle."""

    kind: DetectorName = Field(description="Format of the outputs (docs/how-to/detection.md): " + ", ".join(DETECTORS))
    classes: Count = Field(description="Number of classes")
    threshold: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.001, description="Smallest score of a counted box, 0 to 1; mAP includes boxes with low scores"
    )
    iou: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.7, description="IoU above which NMS removes the weaker of two boxes of one class"
    )
    limit: Count = Field(default=100, description="Largest number of boxes per image, by score")
    anchors: Annotated[list[_Triple], Field(min_length=1)] | None = Field(
        default=None,
        description="For yolov5: per grid, finest first, three pairs of width and height in pixels; by default "
        "YOLOv5's",
    )
