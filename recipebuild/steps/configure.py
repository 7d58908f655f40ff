"""configure: the recipe's values -> the configuration of ``pulsar2 build``.

Inputs: templates (folder with pulsar2/config.json.j2), templates_user (optional; goes first).   Outputs: pulsar2.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.pulsar2.config import CalibrationMethod, Hardware, NpuMode
from recipebuild.pulsar2.render import config_text

if TYPE_CHECKING:
    from recipebuild.engine.step import Progress


class Params(BaseModel):
    """What the configuration says; ``count`` is the number of calibration images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: Hardware
    npu_mode: NpuMode
    method: CalibrationMethod
    count: Annotated[int, Field(ge=1)]
    input: ImageSpec


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Render the template, check the result and write it."""
    folders = [inputs[name] for name in ("templates_user", "templates") if name in inputs]
    text = config_text(params.hardware, params.npu_mode, params.method, params.count, params.input, folders)
    (out / "pulsar2.json").write_text(text, encoding="utf-8")
    return {"hardware": params.hardware, "npu_mode": params.npu_mode, "method": params.method}
