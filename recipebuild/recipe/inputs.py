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
        description="Channel order of the training; GRAY for 1 channel, RGBA for 4",
    )
    mean: Annotated[tuple[Finite, ...], Field(strict=False)] = Field(
        description="Mean of each channel in 0..255 units, in the order of `color`: 3 numbers for RGB"
    )
    std: Annotated[tuple[Positive, ...], Field(strict=False)] = Field(
        description="Standard deviation of each channel in 0..255 units, in the order of `color`, above 0: 3 numbers "
        "for RGB"
    )
    resize: Literal["stretch", "letterbox"] = Field(
        default="stretch",
        description="Stretch images to this size, or keep the aspect ratio and pad with grey",
    )
    pad_value: Annotated[int, Field(ge=0, le=255)] = Field(
        default=114, description="For letterbox: grey value of the padding, 0 to 255"
    )
    align: Literal["center", "top-left"] = Field(
        default="center", description="For letterbox: position of the image; center for Ultralytics' models"
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

    kind: Literal["image"] = Field(description="`image`: computed from an image")


class TokensInput(Section):
    """Text, as a model of the Hugging Face layout takes it. Its own tokenizer makes the tokens."""

    kind: Literal["tokens"] = Field(description="`tokens`: computed from text by the model's own tokenizer")
    names: Annotated[tuple[Literal["input_ids", "attention_mask", "token_type_ids"], ...], Field(strict=False)] = Field(
        default=("input_ids", "attention_mask"),
        description="Outputs of the tokenizer that the model takes: input_ids, attention_mask, token_type_ids",
    )
    length: Side = Field(
        description="Number of tokens per text: shorter texts are padded, longer ones are cut and counted"
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

    kind: Literal["tensor"] = Field(default="tensor", description="`tensor`: read from files, unchanged")
    name: InputName = Field(description="Name of the input tensor: letters, digits, `_`, `-`, `.`")
    shape: Annotated[tuple[Side, ...], Field(strict=False)] = Field(
        description="Shape as whole numbers, such as [1, 77]; [] for a scalar"
    )
    dtype: TensorType | None = Field(default=None, description="Element type; by default that of the files")
    source: Text | None = Field(
        default=None,
        description="Folder or archive with a file per calibration sample: .npy, .npz with each input under its "
        "name, or raw .bin; for a model with an image, named after the image",
    )
    feedback: Text | None = Field(
        default=None,
        description="For a state, instead of `source`: the output that is fed back here with the next sample; zeros "
        "with the first sample of a sequence. Samples of a sequence differ only in a number at the end "
        "of their names",
    )
