"""``input``, ``inputs``, ``more_inputs``: what a network takes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from recipebuild.recipe.section import Finite, InputName, Positive, Section, Side, Text

TensorType = Literal["float32", "float16", "int32", "int64", "uint8", "bool"]


COLORS = {"RGB": 3, "BGR": 3, "GRAY": 1, "RGBA": 4}
"""How many channels each has."""


class Input(Section):
    """The network's input, and how an image becomes it: (pixel - mean) / std."""

    name: InputName = Field(
        default="pixel_values", description="Name of the input tensor: letters, digits, `_`, `-`, `.`"
    )
    shape: Annotated[tuple[Side, Literal[1, 3, 4], Side, Side], Field(strict=False)] = Field(
        description="4 whole numbers: batch, channels (3; 1 for grey, 4 with transparency), height and width in "
        "pixels, such as [1, 3, 640, 1280]; in this order also for models that take channels last"
    )
    color: Literal["RGB", "BGR", "GRAY", "RGBA"] = Field(
        default="RGB",
        validate_default=True,
        description="Channel order that the network was trained with; GRAY for 1 channel, RGBA for 4",
    )
    mean: Annotated[tuple[Finite, ...], Field(strict=False)] = Field(
        description="The mean of each channel in 0..255 units, in the order of `color`: 3 numbers for RGB"
    )
    std: Annotated[tuple[Positive, ...], Field(strict=False)] = Field(
        description="The standard deviation of each channel in 0..255 units, in the order of `color`, above 0: 3 "
        "numbers for RGB"
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

    @field_validator("mean", "std")
    @classmethod
    def _for_each_channel(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        channels = COLORS[info.data["color"]] if "color" in info.data else 3
        if "shape" in info.data and len(values) == info.data["shape"][1]:
            return values  # if they disagree, `color` and `shape` are at fault
        counted = {"field_type": "Tuple", "actual_length": len(values)}
        if len(values) > channels:
            raise PydanticKnownError("too_long", {**counted, "max_length": channels})
        if len(values) < channels:
            raise PydanticKnownError("too_short", {**counted, "min_length": channels})
        return values

    @model_validator(mode="after")
    def _has_the_channels_of_its_color(self) -> Self:
        channels = self.shape[1]
        if COLORS[self.color] != channels:
            meant = next(name for name, count in COLORS.items() if count == channels)
            words = {
                "field": "shape",
                "message": f"has {channels} channels, and {self.color} has {COLORS[self.color]}",
                "remedy": f"with {channels} channels, say color: {meant}, and {channels} numbers in mean and in std",
            }
            raise PydanticCustomError("recipe", "{message}", words)
        return self


class ImageInput(Input):
    """An input that is an image."""

    kind: Literal["image"] = Field(description="Made of an image: `image`")


class TokensInput(Section):
    """Text, as a model of the Hugging Face layout takes it. Its own tokenizer makes the tokens."""

    kind: Literal["tokens"] = Field(description="Made of text by the model's own tokenizer: `tokens`")
    names: Annotated[tuple[Literal["input_ids", "attention_mask", "token_type_ids"], ...], Field(strict=False)] = Field(
        default=("input_ids", "attention_mask"),
        description="What of the tokenizer's answer the model takes: input_ids, attention_mask, token_type_ids",
    )
    length: Side = Field(
        description="How many tokens a text has: shorter ones are filled up, longer ones are cut, which is counted"
    )
    source: Text = Field(description='Texts to calibrate with: a .txt, one a line, or a .jsonl of {"text": "..."}')

    @property
    def tensors(self) -> tuple[TensorInput, ...]:
        """What the model is fed: int32 ``[1, length]`` by each name."""
        return tuple(
            TensorInput(name=name, shape=(1, self.length), dtype="int32", source=self.source) for name in self.names
        )


class TensorInput(Section):
    """An input that is no image. Its tensors are taken as they are."""

    kind: Literal["tensor"] = Field(default="tensor", description="Taken from files as it is: `tensor`")
    name: InputName = Field(description="Name of the input tensor: letters, digits, `_`, `-`, `.`")
    shape: Annotated[tuple[Side, ...], Field(strict=False)] = Field(
        description="Its sizes, whole numbers, such as [1, 77]; [] for a single number"
    )
    dtype: TensorType | None = Field(default=None, description="Its element type; left out, that of its files")
    source: Text | None = Field(
        default=None,
        description="Folder or archive with a file for each calibration sample: .npy, .npz with each input under its "
        "name, or raw .bin; with an image, of the image's name",
    )
    feedback: Text | None = Field(
        default=None,
        description="Of a state, in place of `source`: the output that is fed back here with the next sample; zeros "
        "with the first of a sequence, whose samples are called alike but for a number at the end",
    )
