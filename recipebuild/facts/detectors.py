"""How detectors give boxes: a row for each kind. How each is read is in ``toolkit/detection/decode.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class DetectorKind:
    """One way to give boxes.

    Attributes:
        name: As recipes say it.
        outputs: What the model gives, in words.
        models: Which models do.
        nms: Whether it gives an object several times, so that non-maximum suppression follows.
    """

    name: str
    outputs: str
    models: str
    nms: bool


DETECTORS = {
    kind.name: kind
    for kind in (
        DetectorKind(
            "yolov8", "for each stride a grid [N, 4 bins + classes, h, w] or [N, h, w, 4 bins + classes] of logits, or "
            "distances and classes as two of them", "YOLOv8, YOLOv9, YOLO11, YOLO12, cut before the boxes are decoded",
            nms=True,
        ),
        DetectorKind(
            "yolov10", "as of yolov8, from the head that gives each object once",
            "YOLOv10 and YOLO26, cut before the boxes are decoded", nms=False,
        ),
        DetectorKind(
            "yolov5", "for each stride a grid [N, 3 (5 + classes), h, w] of logits, with three anchors a place",
            "YOLOv5 and YOLOv7, cut before the boxes are decoded", nms=True,
        ),
        DetectorKind(
            "ultralytics", "[N, 4 + classes, places]: cx, cy, w, h in pixels, and probabilities",
            "YOLOv8, YOLO11 and the like, as `yolo export format=onnx` writes them", nms=True,
        ),
        DetectorKind(
            "end-to-end", "[N, places, 6]: x1, y1, x2, y2 in pixels, score, class id",
            "YOLOv10 and YOLO26, as `yolo export format=onnx` writes them", nms=False,
        ),
        DetectorKind(
            "detr", "logits [N, places, classes + 1], the last for no object, and cx, cy, w, h [N, places, 4] in 0..1",
            "DETR, Table Transformer, YOLOS", nms=False,
        ),
        DetectorKind(
            "rt-detr", "logits [N, places, classes], each for itself, and cx, cy, w, h [N, places, 4] in 0..1",
            "RT-DETR, RT-DETRv2, D-FINE, Deformable DETR, Conditional DETR", nms=False,
        ),
    )
}  # fmt: skip
"""All kinds, by name."""

if TYPE_CHECKING:
    DetectorName = str
else:
    DetectorName = Literal[tuple(DETECTORS)]
