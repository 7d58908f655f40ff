"""``target.runtime_outputs``: how the compiled model gives its outputs to the program on the board."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from recipebuild.recipe.section import Section, Text, wrong


class RuntimeOutput(Section):
    """How one output is given."""

    name: Text = Field(description="Name of the output, or DEFAULT for all outputs")
    permute: Annotated[tuple[int, ...], Field(strict=False)] = Field(
        default=(),
        description="Order of the axes: [0, 2, 3, 1] puts channels last, as the YOLO programs of ax-samples expect",
    )
    dtype: Literal["FP32", "U8"] = Field(default="FP32", description="FP32, or U8 as the model computes it")

    @field_validator("permute")
    @classmethod
    def _has_each_axis_once(cls, permute: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(permute) != list(range(len(permute))):
            raise wrong(f"{list(permute)} does not have each axis once", "name all axes from 0, such as [0, 2, 3, 1]")
        return permute
