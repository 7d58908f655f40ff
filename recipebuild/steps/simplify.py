"""simplify: ONNX -> smaller ONNX.   Inputs: model (ONNX).   Outputs: simplified.onnx (and .data over 2 GiB)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.figures.simplified import Simplified
from recipebuild.figures.values import as_json
from recipebuild.toolkit.graph.files import check, load, save, size
from recipebuild.toolkit.graph.simplify import simplify
from recipebuild.toolkit.graph.statistics import operator_table, operators_and_constants


class OtherInput(BaseModel):
    """The shape of an input that is no image, and its element type; ``None`` for any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str | None = None


class Params(BaseModel):
    """The inputs that the model is simplified for.

    Attributes:
        input_name: The image's name; ``None`` for a model without an image.
        shape: N, C, H, W.
        more: The shapes and types of other inputs, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_name: str | None = None
    shape: tuple[int, int, int, int] | None = None
    more: dict[str, OtherInput] = {}


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Simplify the model; the metrics are the table that onnxsim's command prints."""
    target = out / "simplified.onnx"
    progress(0.0, "onnxsim")
    shapes = {name: described.shape for name, described in params.more.items()}
    dtypes = {name: described.dtype for name, described in params.more.items() if described.dtype}
    save(simplify(inputs["model"], params.input_name, params.shape, shapes, dtypes), target)
    check(target)
    (before, nodes_before), (after, nodes_after) = _counted(inputs["model"]), _counted(target)
    return as_json(
        Simplified(
            operators=operator_table(before, after),
            nodes_before=nodes_before,
            nodes_after=nodes_after,
            bytes_before=size(inputs["model"]),
            bytes=size(target),
        )
    )


def _counted(path: Path) -> tuple[Counter[str], int]:
    """The operators and the number of nodes of a model; one at a time is in memory."""
    model = load(path, weights=False)
    return operators_and_constants(model), len(model.graph.node)
