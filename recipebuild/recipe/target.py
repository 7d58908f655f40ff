"""``target``: what the model is compiled for, and by what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from recipebuild.facts.chips import CHIPS, Hardware, NpuMode
from recipebuild.recipe.runtime_input import RuntimeInput
from recipebuild.recipe.runtime_output import RuntimeOutput
from recipebuild.recipe.section import Section, wrong


class Target(Section):
    """What the model is compiled for, and by what."""

    hardware: Hardware = Field(default="AX650", description="The chip, by its own name, such as AX650N or AX630C")
    npu_mode: NpuMode = Field(
        default="NPU3", description="How many NPU cores the model gets; left out, all that the chip has"
    )
    toolchain: Literal["auto", "pulsar2", "onnxruntime"] = Field(
        default="auto",
        description="`auto` takes Pulsar2 where it is installed, else the embedded ONNX Runtime quantizer",
    )
    runtime_input: RuntimeInput = Field(default=RuntimeInput(), description="What the program on the board feeds")
    runtime_outputs: Annotated[tuple[RuntimeOutput, ...], Field(strict=False)] = Field(
        default=(), description="How the program on the board is given outputs; those left out as the model has them"
    )

    @property
    def permuted(self) -> dict[str, list[int]]:
        """The order of axes in which the compiled model gives outputs, by name; of those where it is another."""
        return {each.name: list(each.permute) for each in self.runtime_outputs if each.permute}

    @model_validator(mode="before")
    @classmethod
    def _all_cores(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "npu_mode" in values:
            return values
        hardware = values.get("hardware")
        chip = CHIPS.get(hardware) if isinstance(hardware, str) else None
        return {**values, "npu_mode": chip.npu_modes[-1]} if chip else values

    @field_validator("npu_mode")
    @classmethod
    def _fits_hardware(cls, mode: str, info: ValidationInfo) -> str:
        hardware = info.data.get("hardware")
        if hardware and mode not in CHIPS[hardware].npu_modes:
            raise wrong(f"{hardware} has no {mode}", f"say {' or '.join(CHIPS[hardware].npu_modes)}")
        return mode
