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

    kind: DetectorName = Field(description="What the outputs are (docs/how-to/detection.md): " + ", ".join(DETECTORS))
    classes: Count = Field(description="How many classes the model has")
    threshold: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.001, description="Score above which a box is counted, 0 to 1; mAP looks at those of low scores, too"
    )
    iou: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.7, description="IoU up to which two boxes of one class both stay, where there is NMS"
    )
    limit: Count = Field(default=100, description="How many boxes an image has at most, those of the highest scores")
    anchors: Annotated[list[_Triple], Field(min_length=1)] | None = Field(
        default=None,
        description="Of yolov5: for each grid, the finest first, three of width and height in pixels; by default "
        "YOLOv5's",
    )
