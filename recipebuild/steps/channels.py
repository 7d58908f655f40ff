"""channels: ONNX -> ONNX with red and blue exchanged at the input.   Inputs: model (ONNX).   Outputs: channels.onnx."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.graph.channels import swap_channels
from recipebuild.toolkit.graph.files import check, load, save, size


class Params(BaseModel):
    """The input whose channels are exchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_name: str


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Exchange the channels in the weights of what takes the image; ``verify`` finds whether that is exact."""
    target = out / "channels.onnx"
    save(swap_channels(load(inputs["model"]), params.input_name), target)
    check(target)
    return {"bytes": size(target)}
