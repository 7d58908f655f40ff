"""``pulsar2``: which Pulsar2, and what only it understands."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from recipebuild.recipe.section import Section

VERSION = r"^\d{1,3}(\.\d{1,3})*(-[A-Za-z0-9]+)*$"


class Pulsar2(Section):
    """Which Pulsar2, and what only it understands."""

    version: Annotated[str, Field(pattern=VERSION)] | None = Field(
        default=None,
        description='Version to use, in quotes: "5.1", "7.0-lite"; by default the newest installed',
    )
    model_type: Literal["ONNX", "QuantAxModel", "QuantONNX"] = Field(
        default="ONNX", description="Kind of model.source: a float model, or a quantized one"
    )
    overrides: dict[str, Any] = Field(
        default={},
        description="Fields of the Pulsar2 configuration, merged into it last: mappings are merged, lists replaced",
    )

    @property
    def is_quantized(self) -> bool:
        """Whether the model is quantized already, so that only Pulsar2 compiles it."""
        return self.model_type != "ONNX"
