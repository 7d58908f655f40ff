"""evaluate: accuracy of the float and the quantized model on labelled images.

Inputs: model (ONNX), quantized (ONNX, optional), or predictions (tar: what a simulation of the compiled model gave),
dataset (folder with images/ and labels/).   Outputs: evaluation.json.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.engine.step import Progress
from recipebuild.errors import CheckError, StepError
from recipebuild.evaluate.dataset import IGNORE, samples
from recipebuild.evaluate.metrics import class_iou, mean_iou, pixel_accuracy
from recipebuild.evaluate.parts import Part, part_of
from recipebuild.evaluate.recorded import Recorded
from recipebuild.evaluate.segmentation import Model, class_count, confusion, open_model

if TYPE_CHECKING:
    from recipebuild.evaluate.metrics import Matrix

logger = logging.getLogger(__name__)

_MODELS = {"float": "model", "quantized": "quantized"}
"""Where each model is among the inputs."""

_DIGITS = 6


class Params(BaseModel):
    """On what to evaluate, and what to demand.

    Attributes:
        input: The recipe's input.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        part: Which half of these; ``recipebuild tune`` chooses by one, and judges by the other.
        classes: How many classes there are; ``None`` to read it from the model.
        max_drop: Largest allowed loss of mIoU by quantization, as a fraction (0..1); ``None`` for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    part: Part = "all"
    classes: int | None = Field(default=None, ge=1)
    max_drop: float | None = Field(default=None, ge=0, le=1)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Evaluate both models on the same images; write the figures, then judge them."""
    models: dict[str, Model | Recorded] = {k: open_model(inputs[n]) for k, n in _MODELS.items() if n in inputs}
    if "predictions" in inputs:
        models["quantized"] = Recorded(inputs["predictions"])
    classes = params.classes or class_count(inputs["model"]) or IGNORE
    chosen = part_of(samples(inputs["dataset"], params.count, params.seed), params.part, params.seed)
    if not chosen:
        raise StepError(
            "the dataset cannot be cut into halves: it has one image", remedy="label more images, or evaluate.count"
        )
    total = len(chosen)
    matrices = confusion(
        models, chosen, classes, params.input, lambda done: progress(done / total, f"image {done} of {total}")
    )
    metrics = _figures(matrices) | {"images": total}
    (out / "evaluation.json").write_text(json.dumps({"classes": classes, **metrics}, indent=2, sort_keys=True) + "\n")
    _judge(metrics, params.max_drop)
    return metrics


def _figures(matrices: Mapping[str, Matrix]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    per_class: dict[str, dict[str, float]] = {}
    for key, matrix in matrices.items():
        figures[f"miou_{key}"] = round(mean_iou(matrix), _DIGITS)
        figures[f"pixel_accuracy_{key}"] = round(pixel_accuracy(matrix), _DIGITS)
        for class_id, value in class_iou(matrix).items():
            per_class.setdefault(str(class_id), {})[key] = round(value, _DIGITS)
    if "quantized" in matrices:
        figures["drop"] = round(figures["miou_float"] - figures["miou_quantized"], _DIGITS)
    return {**figures, "per_class": per_class}


def _judge(metrics: Mapping[str, Any], max_drop: float | None) -> None:
    """Raise CheckError if quantization cost more than ``max_drop``."""
    if max_drop is None or metrics.get("drop", 0.0) <= max_drop:
        return
    change = f"{metrics['miou_float']:.4f} to {metrics['miou_quantized']:.4f}"
    raise CheckError(
        f"quantization takes mIoU from {change}: a loss of {metrics['drop']:.4f}, more than max_drop {max_drop:g}",
        remedy="try another quantization.method, or more calibration images that are like those of the dataset",
        metrics=dict(metrics),
    )
