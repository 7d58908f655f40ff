"""compile, with Pulsar2: model, calibration images and configuration -> a model for the NPU.

Inputs: model (ONNX file), calibration (tar), config (pulsar2.json).
Outputs: compiled.axmodel; build_context.json and quant/quant_axmodel.json if the tool leaves them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.errors import StepError
from recipebuild.pulsar2.build import CALIBRATION, CONFIG, MODEL, build

if TYPE_CHECKING:
    from recipebuild.engine.step import Progress


class Params(BaseModel):
    """The target, and which Pulsar2 compiles: the one on PATH, or the one in ``image``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: str
    runner: Literal["native", "docker"]
    image: str | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Copy the inputs to where the tool may write, run it, keep what is worth keeping."""
    model = inputs["model"]
    if any(model.parent.glob(f"{model.name}.*")):
        raise StepError(
            "the model keeps its weights in a second file, which pulsar2 build cannot read",
            remedy="take a model under 2 GiB",
        )
    folder = Path.cwd()
    for path, name in ((model, MODEL), (inputs["calibration"], CALIBRATION), (inputs["config"], CONFIG)):
        shutil.copyfile(path, folder / name)
    built = build(folder, hardware=params.hardware, runner=params.runner, image=params.image, progress=progress)
    for name, path in built.files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)
    return built.figures
