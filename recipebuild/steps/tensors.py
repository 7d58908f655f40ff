"""tensors: calibration images -> what the model's input is for each.

Inputs: calibration (tar of images), for each other input of the model more_<name> (folder of .npy files).
Outputs: calibration-tensors.tar.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.step import Progress
from recipebuild.toolkit.calibration.more import more_tensor
from recipebuild.toolkit.calibration.preprocess import ImageSpec
from recipebuild.toolkit.calibration.tensors import Format, write_tensors

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


class Params(BaseModel):
    """What the model expects, and how Pulsar2 is told; ``more`` has the shapes of other inputs, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    format: Format
    more: dict[str, tuple[int, ...]] = {}


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Preprocess every image and pack the tensors."""
    target = out / "calibration-tensors.tar"

    def more(image: str) -> dict[str, Array]:
        return {name: more_tensor(inputs[f"more_{name}"], name, shape, image) for name, shape in params.more.items()}

    count = write_tensors(
        inputs["calibration"], params.input, params.format, target, lambda done: progress(0.5, f"image {done}"), more
    )
    return {"images": count, "format": params.format, "bytes": target.stat().st_size}
