"""What a network is for, in Hugging Face's words: a row for each task.

A recipe's ``model.task`` may be any of them. transformers finds the model's class by ``auto_class``, ``new`` recognises
a checkpoint by the ends of its ``architectures``, and evaluation knows from the row what an answer looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

SEGMENTATION = "semantic-segmentation"
CLASSIFICATION = "image-classification"
DEPTH = "depth-estimation"
RESTORATION = "image-to-image"
FEATURES = "image-feature-extraction"
DETECTION = "object-detection"
OTHER = "other"
TEXT = "feature-extraction"


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: As recipes and transformers say it.
        auto_class: The class in ``transformers`` that finds the model's class; ``None`` for ONNX files alone.
        other_class: Another one, for models that the first does not know.
        architectures: How the names of transformers' classes for it end, as config.json has them.
        output: The field of the model's answer that is exported; ``None`` where the recipe chooses.
        tensor: What ``new`` calls the output; ``None`` where that depends on the features.
        meaning: What the output is, in a bundle's words.
        class_rank: Of tasks with classes: the axes of one image's logits; else ``None``.
        class_axis: Of tasks with classes: the axis of the classes in the batch's logits; else ``None``.
        logits: Of tasks with classes: the shape of their logits, in words; else empty.
        layout: The layout in which the step dataset leaves what the library ``datasets`` read.
        more_outputs: Fields of the model's answer that are exported besides, under their own names.
        size: Height and width that ``new`` proposes where the model's files name none; ``None`` for 224x224.
    """

    name: str
    auto_class: str | None
    architectures: tuple[str, ...]
    output: str | None
    tensor: str | None
    meaning: str
    layout: str
    class_rank: int | None = None
    class_axis: int | None = None
    logits: str = ""
    more_outputs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    other_class: str | None = None


TASKS = {
    task.name: task
    for task in (
        Task(
            SEGMENTATION, "AutoModelForSemanticSegmentation",
            ("ForSemanticSegmentation", "ForUniversalSegmentation", "MaskFormerForInstanceSegmentation"),
            "logits", "logits", "scores of the classes", "folders", other_class="AutoModelForUniversalSegmentation",
            class_rank=3, class_axis=1, logits="logits [N, classes, h, w]", size=(512, 512),
        ),
        Task(
            CLASSIFICATION, "AutoModelForImageClassification",
            ("ForImageClassification", "ForImageClassificationWithTeacher"), "logits", "logits",
            "scores of the classes", "classes", class_rank=1, class_axis=-1, logits="logits [N, classes]",
        ),
        Task(
            DEPTH, "AutoModelForDepthEstimation", ("ForDepthEstimation",), "predicted_depth", "depth",
            "depth", "depth", size=(480, 640),
        ),
        Task(
            RESTORATION, "AutoModelForImageToImage", ("ForImageSuperResolution",), "reconstruction", "image",
            "an image", "targets", size=(256, 256),
        ),
        Task(
            FEATURES, "AutoModel", ("ForMaskedImageModeling", "ForPreTraining", "WithProjection", "Model"), None, None,
            "features", "images",
        ),
        Task(
            DETECTION, "AutoModelForObjectDetection", ("ForObjectDetection",), "logits", "logits",
            "boxes, or the scores of their classes", "coco", more_outputs=("pred_boxes",), size=(640, 640),
        ),
        Task(TEXT, "AutoModel", (), None, "embedding", "the embedding of a text", "images"),
        Task(OTHER, None, (), None, None, "as the model gives it", "images"),
    )
}  # fmt: skip
"""All tasks, by name."""

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]
