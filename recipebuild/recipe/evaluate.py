"""``evaluate``: on what accuracy is measured, by which figure, and what it may lose."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from recipebuild.facts.metrics import AGAINST_A_MODEL, METRICS, MetricName, metrics_of
from recipebuild.facts.tasks import TASKS
from recipebuild.recipe.section import Count, Positive, Section, Seed, Text, wrong

HUB = "hf://datasets/"
HUB_DATASET = re.compile(re.escape(HUB) + r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)

Layout = Literal[
    "auto", "folders", "cityscapes", "ade20k", "depth", "targets", "classes", "coco", "yolo", "voc", "images",
    "datasets",
]  # fmt: skip

_OF_TASKS = (metrics_of(task, labels=True) for task in TASKS)
_WITH_LABELS = "; ".join(", ".join(metrics) for metrics in _OF_TASKS if metrics)
_WITHOUT_LABELS = " or ".join(name for name in AGAINST_A_MODEL if METRICS[name].tasks)


class Evaluate(Section):
    """Accuracy of the float and the quantized model."""

    dataset: Text = Field(
        description="Folder with images/ and labels/ (PNG files of class ids, 255 = ignore; .txt files of boxes), or "
        "as `layout` says; or a dataset on the Hugging Face hub, hf://datasets/owner/name@revision"
    )
    layout: Layout = Field(
        default="auto",
        description="Layout of the dataset (docs/accuracy.md); `images` has no labels, and compares models with the "
        "float one; `datasets` is a folder of the library of that name",
    )
    split: Text | None = Field(default=None, description="Split of the dataset; by default validation, otherwise test")
    columns: tuple[Text, Text] | None = Field(
        default=None, strict=False, description="For hub datasets: the columns of images and labels"
    )
    reduce_labels: bool | None = Field(
        default=None,
        description="Ignore label 0 (`other`) and count classes from 1; by default only for ade20k",
    )
    class_folders: Literal["names", "ids", "sorted"] | None = Field(
        default=None,
        description="For the layout `classes`: folders are named after the model's classes, after class ids, or are "
        "the classes in sorted order; by default the names decide",
    )
    labels: Annotated[list[Text], Field(min_length=1)] | None = Field(
        default=None,
        description="Class names in the order of their ids; by default from the model's config.json",
    )
    depth_scale: Positive | None = Field(
        default=None, description="Value of 1 metre in PNG files of depth: 256 for KITTI, 1000 for NYU"
    )
    depth: Literal["metric", "relative"] | None = Field(
        default=None,
        description="Output of the network: metres, or inverse depth up to scale and shift; by default from "
        "config.json",
    )
    metric: MetricName | None = Field(
        default=None,
        description=f"The figure that counts: {_WITH_LABELS}; without labels {_WITHOUT_LABELS}. By default the first "
        "of its kind",
    )
    count: Count | None = Field(default=None, description="Number of images to draw, 1 or more; by default all")
    seed: Seed = Field(default=0, description="Seed of the draw, 0 to 4294967295")
    shares: Count = Field(
        default=1,
        description="Number of steps that share the images, so that several workers of a Dask cluster measure one "
        "model; the figures are the same",
    )
    reference: Literal["onnx", "pytorch"] = Field(
        default="onnx",
        description="`onnx` measures the float ONNX model, which `verify` compares with PyTorch; `pytorch` also "
        "measures PyTorch on all images, which takes several times as long",
    )
    mode: Literal["NPUBackend", "Reference"] = Field(
        default="NPUBackend",
        description="Mode of `pulsar2 run`: NPUBackend simulates the compiled model, bit-exact with the board; "
        "Reference the quantized model on the host's operators, within about one step of it",
    )
    max_drop: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Largest accepted loss of the metric by quantization, as a fraction 0 to 1: 0.02 is two mIoU "
        "points",
    )

    @field_validator("dataset")
    @classmethod
    def _hub_id(cls, dataset: str) -> str:
        if dataset.startswith("hf:") and not HUB_DATASET.fullmatch(dataset):
            raise wrong(
                f"{dataset} is no dataset of the hub", "hf://datasets/owner/name, or hf://datasets/owner/name@tag"
            )
        return dataset

    @property
    def is_prepared(self) -> bool:
        """Whether the library `datasets` reads it."""
        return self.layout == "datasets" or self.dataset.startswith(HUB)
