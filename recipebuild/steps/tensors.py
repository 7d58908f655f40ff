"""tensors: calibration images -> what the model's input is for each.

Inputs: calibration (tar of images).   Outputs: calibration-tensors.tar.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.calibration.tensors import Format, write_tensors
from recipebuild.engine.step import Progress


class Params(BaseModel):
    """What the model expects, and how Pulsar2 is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    format: Format


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Preprocess every image and pack the tensors."""
    target = out / "calibration-tensors.tar"
    count = write_tensors(
        inputs["calibration"], params.input, params.format, target, lambda done: progress(0.5, f"image {done}")
    )
    return {"images": count, "format": params.format, "bytes": target.stat().st_size}
