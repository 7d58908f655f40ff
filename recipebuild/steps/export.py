"""export: PyTorch model -> ONNX.

Inputs: model (a folder in HF layout).   Outputs: export.onnx (and export.onnx.data over 2 GiB).
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.facts.tasks import TASKS
from recipebuild.figures.exported import Exported
from recipebuild.figures.values import as_json
from recipebuild.toolkit.models.export import ExportError, attention_for, export
from recipebuild.toolkit.models.load import load

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """How to build the PyTorch model and how to write it.

    Attributes:
        task: What the model is for, such as ``semantic-segmentation``.
        weights: ``pretrained``, from the folder, or ``random``, from ``seed``.
        seed: For random weights.
        features: Which features, for image-feature-extraction.
        normalize: Whether to bring them to length 1.
        input_name: Name of the graph's input; of an image.
        shape: Its shape: N, C, H, W.
        tokens: Of text: the names of the graph's inputs.
        length: How many tokens these have.
        output_name: Name of the graph's output.
        opset: Version of the ONNX operator set.
        exporter: Which exporter of torch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    weights: Literal["pretrained", "random"]
    seed: int
    features: str | None = None
    normalize: bool = False
    input_name: str = ""
    shape: tuple[int, int, int, int] = (1, 3, 1, 1)
    tokens: tuple[str, ...] = ()
    length: int = 0
    output_name: str
    opset: int
    exporter: Literal["dynamo", "torchscript"]


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Write ``export.onnx`` into ``out``.

    Returns:
        ``opset``, ``nodes``, ``bytes``, ``parameters``, ``exporter``, and ``operators``: how many nodes of each type.
    """
    attention = attention_for(params.opset)
    with _garbage_left():
        exported = None
        try:
            exported = _export(inputs["model"], params, attention, out, progress)
        except ExportError:
            if attention == "eager":
                raise
        if exported is None:
            # Shifted windows (Swin) among others cannot be exported with fused attention; spelled out they can.
            logger.info("trying again with attention spelled out")
            gc.collect()  # the first model, which the error held
            exported = _export(inputs["model"], params, "eager", out, progress)
    logger.info("export.onnx: %d nodes, %d parameters, %d bytes", exported.nodes, exported.parameters, exported.bytes)
    return as_json(exported)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Look for no cycles of garbage meanwhile: an export imports and traces, and nearly all objects of that stay.

    Looking takes a tenth of the export, and would free 17 MB of 1,225 (ViT-Base). Afterwards what stays is left alone
    for good: the steps that follow in this process would look through all of it, three times.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _export(folder: Path, params: Params, attention: str, out: Path, progress: Progress) -> Exported:
    progress(0.0, f"loading, {params.weights} weights")
    module = load(
        folder,
        task=params.task,
        weights=params.weights,
        seed=params.seed,
        attention=attention,
        features=params.features,
        normalize=params.normalize,
        tokens=params.tokens,
    )
    progress(0.2, f"{params.exporter}, opset {params.opset}")
    return export(
        module,
        out / "export.onnx",
        input_name=params.tokens or params.input_name,
        output_name=params.output_name,
        more_outputs=TASKS[params.task].more_outputs,
        shape=(1, params.length) if params.tokens else params.shape,
        opset=params.opset,
        exporter=params.exporter,
    )
