"""compile: float ONNX -> ONNX with QuantizeLinear and DequantizeLinear, by the embedded host toolchain.

Inputs: model (model.onnx), calibration (tar).   Outputs: quantized.onnx.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.engine.step import Progress
from recipebuild.errors import StepError
from recipebuild.graph.files import EXTERNAL_DATA_OVER, check, load, save, size
from recipebuild.quantize.calibrate import Method, calibrate
from recipebuild.quantize.dataset import CalibrationSet
from recipebuild.quantize.prepare import prepare
from recipebuild.quantize.qdq import insert_qdq, qdq_counts

logger = logging.getLogger(__name__)

_CALIBRATION_SHARE = 0.9
"""Of the step's time, roughly."""


class Params(BaseModel):
    """How to quantize.

    Attributes:
        method: How the activations' ranges follow from the calibration set.
        input: What the model expects of an image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "MinMax"
    input: ImageSpec


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Calibrate the model, quantize it, write ``quantized.onnx``.

    Returns:
        ``images``, ``method``, ``tensors`` (activations calibrated), ``quantized_nodes``, ``qdq_pairs``,
        ``float_bytes`` and ``bytes``.

    Raises:
        StepError: If the model is over 2 GiB or cannot be quantized, or the calibration set is bad.
    """
    float_bytes = size(inputs["model"])
    if float_bytes > EXTERNAL_DATA_OVER:
        raise StepError(
            f"{inputs['model'].name} has {float_bytes / 2**30:.1f} GiB, and quantization takes models under 2 GiB",
            remedy="take a smaller variant of the model",
        )
    batches = CalibrationSet(inputs["calibration"], params.input)
    model = prepare(load(inputs["model"]), params.input)
    progress(0.0, f"calibration, {params.method}")
    ranges = calibrate(
        model, batches, params.method, lambda fraction, text: progress(_CALIBRATION_SHARE * fraction, text)
    )
    progress(_CALIBRATION_SHARE, "quantizing")
    quantized = insert_qdq(model, ranges)
    target = out / "quantized.onnx"
    save(quantized, target)
    check(target)
    metrics = {
        "images": len(batches),
        "method": params.method,
        "tensors": len(ranges),
        **qdq_counts(quantized),
        "float_bytes": float_bytes,
        "bytes": size(target),
    }
    logger.info("quantized: %s", metrics)
    return metrics
