"""``model.json``: what a program must know to run a compiled model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.formats.part import Part


class Letterbox(Part):
    """What is beside an image that keeps its aspect ratio."""

    pad_value: int = Field(description="The grey, 0..255, in all channels")
    align: Literal["center", "top-left"] = Field(description="Where the image lies")


class ImageInput(Part):
    """The input that is an image."""

    name: str
    shape: list[int]
    dtype: str
    layout: Literal["NCHW", "NHWC"]
    height: int = Field(description="Of the image, pixels")
    width: int = Field(description="Of the image, pixels")
    color: str = Field(description="What the program feeds: RGB, BGR, or a YUV format")
    csc_mode: str = Field(default="", description="Only of YUV: how it becomes the network's colours")
    csc_mat: list[float] = Field(default=[], description="Only with csc_mode Matrix: 12 numbers")
    network_color: str = Field(default="", description="Only of YUV: the network's order")
    mean: list[float] = Field(description="In 0..255 units, in the network's order of channels")
    std: list[float] = Field(description="In 0..255 units, in the network's order of channels")
    normalized_by: Literal["model", "program"] = Field(description="Who subtracts mean and divides by std")
    resize: str = Field(description="How calibration and evaluation resized images")
    letterbox: Letterbox | None = Field(
        default=None, description="Only where images keep their aspect ratio; else they are stretched"
    )
    more_shapes: list[list[int]] = Field(default=[], description="Further shapes that the model takes")


class Tensor(Part):
    """An input that is no image; it is taken as it is."""

    name: str
    shape: list[int]
    dtype: str
    feedback: str | None = Field(
        default=None, description="Only of a state: the output that is fed back with the next sample; zeros at first"
    )


class Output(Part):
    """An output."""

    name: str
    shape: list[int]
    dtype: str
    meaning: str = Field(description="Such as class ids, logits, depth")
    permuted: list[int] = Field(
        default=[], description="Of the network's own axes, in which order they are given; left out, as they are"
    )
    color: str = Field(default="", description="Only of an image: RGB or BGR")
    mean: list[float] = Field(default=[], description="Only of an image: a pixel of 0..255 is value * std + mean")
    std: list[float] = Field(default=[], description="Only of an image")


class Label(Part):
    """A class."""

    id: int
    name: str
    color: list[int] = Field(default=[], description="Only of segmentation and detection: red, green, blue")


class Head(Part):
    """What stands at the end of the network; see head in docs/recipes.md."""

    kind: Literal["argmax", "threshold", "none"]
    axis: int
    keepdims: bool
    output: str
    keep_logits: bool
    before_resize: bool
    threshold: float = Field(default=0.5, description="Only with threshold: 1 where the sigmoid of the logit is above")
    add_axis: int | None


class Detector(Part):
    """How outputs become boxes; see docs/how-to/detection.md."""

    kind: str = Field(description="What the outputs are: a kind in docs/how-to/detection.md")
    classes: int
    threshold: float = Field(description="Score above which a box counted in the evaluation")
    nms: bool = Field(description="Whether non-maximum suppression follows, class by class")
    iou: float = Field(description="IoU up to which two boxes of one class both stay")
    limit: int = Field(description="How many boxes an image has at most")
    anchors: list[list[list[float]]] = Field(description="Only of yolov5; empty for its own")


class Toolchain(Part):
    """What compiled."""

    name: Literal["onnxruntime", "pulsar2"]
    version: str


class Model(Part):
    """What a program must know to run a compiled model."""

    version: int = Field(description="Of this format")
    model: str = Field(description="The model's file, beside this one")
    task: str
    input: ImageInput | None = Field(description="The image; null if the model takes none")
    more_inputs: list[Tensor] = Field(default=[], description="What the model takes that is no image")
    tokenizer: str = Field(
        default="",
        description="Only of text: the file beside this one with which the library tokenizers makes the inputs",
    )
    outputs: list[Output]
    labels: list[Label] = Field(description="Empty where the task has no classes")
    head: Head
    detector: Detector | None = Field(default=None, description="Only of object detection")
    hardware: str = Field(description="The chip, such as AX650")
    npu_mode: str = Field(description="Such as NPU3")
    toolchain: Toolchain
    runner: str | None = Field(description="The program of ax-samples that it was made for")
