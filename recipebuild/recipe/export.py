"""``export``: PyTorch to ONNX."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from recipebuild.recipe.section import Section, TensorName, wrong


class Export(Section):
    """PyTorch to ONNX."""

    exporter: Literal["dynamo", "torchscript"] = Field(default="dynamo", description="PyTorch exporter to use")
    opset: Annotated[int, Field(ge=11, le=23)] = Field(
        default=17, description="ONNX opset, 11 to 23; the dynamo exporter needs 17 or more"
    )
    output: TensorName = Field(default="logits", description="Name of the raw output tensor: letters, digits, `_`, `-`")

    @field_validator("opset")
    @classmethod
    def _fits_exporter(cls, opset: int, info: ValidationInfo) -> int:
        if opset < 17 and info.data.get("exporter") == "dynamo":
            raise wrong(
                f"the dynamo exporter needs opset 17 or more, got {opset}", "for 11 to 16 use `exporter: torchscript`"
            )
        return opset
