"""tensors: calibration images and samples -> the model's inputs for each, in Pulsar2's format.

Inputs: calibration (tar of images) and samples (tar of the other inputs), one of them or both.
Outputs: calibration-tensors.tar.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.calibration.tensors import Format, write_tensors
from recipebuild.toolkit.quantize.dataset import CalibrationSet


class Params(BaseModel):
    """What the model expects of an image, if it takes one, and how Pulsar2 is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec | None
    format: Format


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Preprocess every image and pack the tensors."""
    target = out / "calibration-tensors.tar"
    fed = CalibrationSet(inputs.get("calibration"), params.input, inputs.get("samples"))
    count = write_tensors(fed.named(), params.format, target, lambda done: progress(0.5, f"sample {done}"))
    return {"images": count, "format": params.format, "bytes": target.stat().st_size}
