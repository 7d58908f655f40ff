"""export: PyTorch model -> ONNX.

Inputs: model (a folder in HF layout).   Outputs: export.onnx (and export.onnx.data over 2 GiB).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.step import Progress
from recipebuild.models.export import attention_for, export
from recipebuild.models.load import load

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """How to build the PyTorch model and how to write it.

    Attributes:
        task: What the model is for: ``semantic-segmentation``.
        weights: ``pretrained``, from the folder, or ``random``, from ``seed``.
        seed: For random weights.
        input_name: Name of the graph's input.
        shape: Its shape: N, C, H, W.
        output_name: Name of the graph's output.
        opset: Version of the ONNX operator set.
        exporter: Which exporter of torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    weights: Literal["pretrained", "random"]
    seed: int
    input_name: str
    shape: tuple[int, int, int, int]
    output_name: str
    opset: int
    exporter: Literal["dynamo", "torchscript"]


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Write ``export.onnx`` into ``out``.

    Returns:
        ``opset``, ``nodes``, ``bytes``, ``parameters``, ``exporter``, and ``operators``: how many nodes of each type.
    """
    progress(0.0, f"loading, {params.weights} weights")
    attention = attention_for(params.opset)
    module = load(inputs["model"], task=params.task, weights=params.weights, seed=params.seed, attention=attention)
    progress(0.2, f"{params.exporter}, opset {params.opset}")
    metrics = export(
        module,
        out / "export.onnx",
        input_name=params.input_name,
        output_name=params.output_name,
        shape=params.shape,
        opset=params.opset,
        exporter=params.exporter,
    )
    logger.info("export.onnx: %(nodes)d nodes, %(parameters)d parameters, %(bytes)d bytes", metrics)
    return metrics
