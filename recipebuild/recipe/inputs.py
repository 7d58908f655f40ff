"""``input``, ``inputs``, ``more_inputs``: what a network takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from recipebuild.recipe.section import Finite, InputName, Positive, Section, Side, Text

TensorType = Literal["float32", "float16", "int32", "int64", "uint8", "bool"]


class Input(Section):
    """The network's input, and how an image becomes it: (pixel - mean) / std."""

    name: InputName = Field(
        default="pixel_values", description="Name of the input tensor: letters, digits, `_`, `-`, `.`"
    )
    shape: Annotated[tuple[Side, Literal[3], Side, Side], Field(strict=False)] = Field(
        description="4 whole numbers: batch, channels (3), height and width in pixels, such as [1, 3, 640, 1280]"
    )
    color: Literal["RGB", "BGR"] = Field(default="RGB", description="Channel order that the network was trained with")
    mean: Annotated[tuple[Finite, Finite, Finite], Field(strict=False)] = Field(
        description="3 numbers, the mean of each channel in 0..255 units, in the order of `color`"
    )
    std: Annotated[tuple[Positive, Positive, Positive], Field(strict=False)] = Field(
        description="3 numbers above 0, the standard deviation of each channel in 0..255 units, in the order of `color`"
    )
    resize: Literal["stretch", "letterbox"] = Field(
        default="stretch",
        description="How an image becomes that size: stretched, or with its aspect ratio and grey beside it",
    )
    pad_value: Annotated[int, Field(ge=0, le=255)] = Field(
        default=114, description="Of a letterbox: the grey beside the image, 0 to 255"
    )
    align: Literal["center", "top-left"] = Field(
        default="center", description="Of a letterbox: where the image lies; Ultralytics' models have it in the center"
    )


class ImageInput(Input):
    """An input that is an image."""

    kind: Literal["image"] = Field(description="Made of an image: `image`")


class TensorInput(Section):
    """An input that is no image. Its tensors are taken as they are."""

    kind: Literal["tensor"] = Field(default="tensor", description="Taken from files as it is: `tensor`")
    name: InputName = Field(description="Name of the input tensor: letters, digits, `_`, `-`, `.`")
    shape: Annotated[tuple[Side, ...], Field(strict=False)] = Field(
        description="Its sizes, whole numbers, such as [1, 77]; [] for a single number"
    )
    dtype: TensorType | None = Field(default=None, description="Its element type; left out, that of its files")
    source: Text = Field(
        description="Folder or archive with a file for each calibration sample: .npy, .npz with each input under its "
        "name, or raw .bin; with an image, of the image's name"
    )
