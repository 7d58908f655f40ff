"""The words in which a recipe's sections are written: the base class, field types with their limits, errors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_SIDE = 16384
"""Largest height, width or batch: past this it is a typing error, not an image."""

NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"
TENSOR_NAME = r"^[A-Za-z0-9_-]+$"
INPUT_NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
REVISION = r"^[A-Za-z0-9._/-]+$"

Name = Annotated[str, Field(pattern=NAME, max_length=100)]
TensorName = Annotated[str, Field(pattern=TENSOR_NAME, max_length=100)]
InputName = Annotated[str, Field(pattern=INPUT_NAME, max_length=100)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]


MISSING = "is missing"
"""The message of a field that only some recipes need."""


def wrong(message: str, remedy: str = "") -> PydanticCustomError:
    """A validation error whose words reach the user as they are."""
    return PydanticCustomError("recipe", "{message}", {"message": message, "remedy": remedy})


class Section(BaseModel):
    """What all parts of a recipe share: immutable, no unknown fields, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)  # built once, by Recipe
