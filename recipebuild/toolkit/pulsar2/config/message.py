"""What all messages of the configuration share: strictness, number types, enumerations.

Source: Pulsar2's documentation, page ``user_guides_config/config`` (the annotated JSON, and the proto below it). Where
the two contradict each other, the wider one is taken; docs/pulsar2.md lists those places.
"""

from __future__ import annotations

import struct
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

_INT32 = 2**31
_FLOAT32 = 3.4028234663852886e38


def short(value: float) -> float:
    """The decimal with fewest digits that is the same number in float32: 58.395 for 58.39500045776367.

    ``float`` fields of a protobuf message hold no more than that, so two values that differ beyond it are one value.
    """
    exact = struct.pack("<f", value)
    return next(near for digits in range(1, 18) if struct.pack("<f", near := float(f"{value:.{digits}g}")) == exact)


Int32 = Annotated[int, Field(ge=-_INT32, lt=_INT32)]
Float32 = Annotated[float, Field(ge=-_FLOAT32, le=_FLOAT32, allow_inf_nan=False), AfterValidator(short)]
Float64 = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, lt=_INT32)]
Text = Annotated[str, Field(min_length=1)]
Names = tuple[Text, ...]
Struct = dict[str, JsonValue]
"""A ``google.protobuf.Struct``: a JSON object."""

DataType = Literal["U8", "S8", "U16", "S16", "U32", "S32", "U64", "S64", "FP16", "BF16", "FP32", "NVFP4"]
Layout = Literal["DefaultLayout", "NHWC", "NCHW"]
DEFAULT = "DEFAULT"
"""As a tensor's name: all inputs, or all outputs."""


class Message(BaseModel):
    """A message of the proto: immutable, no unknown fields, no silent conversion of types.

    A field that is not given has the documented default. ``None`` stands for "as the documentation says for the layer"
    where that is not one value.
    """

    # Strict: what the tool reads as protobuf must have the right JSON type, a number in quotes is none.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
