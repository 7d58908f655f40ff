"""head: ONNX -> the final float model.   Inputs: model (ONNX).   Outputs: model.onnx (and .data over 2 GiB)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.engine.progress import Progress
from recipebuild.figures.final_model import FinalModel, TensorRow
from recipebuild.figures.values import as_json
from recipebuild.toolkit.graph.before_resize import before_resize
from recipebuild.toolkit.graph.files import check, load, save, size
from recipebuild.toolkit.graph.head import Head, add_argmax, add_axis, add_threshold
from recipebuild.toolkit.graph.statistics import Tensor
from recipebuild.toolkit.graph.statistics import inputs as model_inputs
from recipebuild.toolkit.graph.statistics import outputs as model_outputs


class Params(Head):
    """The head to put on."""


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Put the head on the model, or save the model as it is under its final name."""
    model = load(inputs["model"])
    progress(0.3, params.kind)
    if params.kind == "argmax":
        model = add_argmax(before_resize(model) if params.before_resize else model, params)
    elif params.kind == "threshold":
        model = add_threshold(model, params)
    elif params.add_axis is not None:
        model = add_axis(model, params.add_axis)
    target = out / "model.onnx"
    save(model, target)
    check(target)
    return as_json(
        FinalModel(
            nodes=len(model.graph.node),
            bytes=size(target),
            inputs=[_row(tensor) for tensor in model_inputs(model)],
            outputs=[_row(tensor) for tensor in model_outputs(model)],
        )
    )


def _row(tensor: Tensor) -> TensorRow:
    return TensorRow(name=tensor.name, dtype=tensor.dtype, shape=tensor.shape)
