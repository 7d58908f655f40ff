"""evaluate: accuracy of the PyTorch, the ONNX and the quantized model on a dataset, with what quantization costs.

Inputs: model (ONNX), weights (folder in HF layout, optional), quantized (ONNX, optional), or predictions (tar: what a
simulation of the compiled model gave), dataset (folder).   Outputs: evaluation.json.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.engine.step import Progress
from recipebuild.errors import CheckError, StepError
from recipebuild.evaluate.dataset import DatasetSpec, samples
from recipebuild.evaluate.layouts import layout_name
from recipebuild.evaluate.measure import Measured, Measurement, measure
from recipebuild.evaluate.noise import difference, interval, is_noise, pseudo_values
from recipebuild.evaluate.parts import Part, part_of
from recipebuild.evaluate.runners import batch, batch_runner, onnx_runner, open_model, recorded_runner
from recipebuild.evaluate.scores import Segmentation, loss
from recipebuild.models.depth import depth_kind
from recipebuild.models.run import Weights, torch_runner

if TYPE_CHECKING:
    from recipebuild.evaluate.runners import Run

logger = logging.getLogger(__name__)

_DIGITS = 6


class Params(BaseModel):
    """On what to evaluate, and what to demand.

    Attributes:
        input: Of the model that was compiled.
        original: Of the PyTorch model, whose channels may be in another order; ``None`` if they are not.
        weights: Which PyTorch model it is.
        dataset: How the dataset is laid out, and the task.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        part: Which half of these; ``recipebuild tune`` chooses by one, and judges by the other.
        classes: How many classes there are; ``None`` to read it from the model.
        depth: What depth is; ``None`` to read it from the model's config.json.
        metric: The figure that counts; ``None`` for the usual one.
        max_drop: Largest allowed loss of it by quantization, as a fraction (0..1); ``None`` for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: ImageSpec
    original: ImageSpec | None = None
    weights: Weights = Weights()
    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    part: Part = "all"
    classes: int | None = Field(default=None, ge=1)
    depth: Literal["metric", "relative"] | None = None
    metric: str | None = None
    max_drop: float | None = Field(default=None, ge=0, le=1)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Evaluate all models on the same images; write the figures, then judge them.

    Raises:
        CheckError: If quantization costs more than ``max_drop``, or a model gives NaN.
        StepError: If the dataset is bad, or does not fit the model.
    """
    kind = params.depth or (depth_kind(inputs["weights"]) if "weights" in inputs else "metric")
    how = Measurement.of(inputs["model"], inputs["dataset"], params.dataset, relative=kind == "relative")
    if params.classes:
        how = replace(how, classes=params.classes)
    metric = params.metric or how.metrics[0]
    chosen = part_of(samples(inputs["dataset"], params.count, params.seed, params.dataset), params.part, params.seed)
    if not chosen:
        raise StepError(
            "the dataset cannot be cut into halves: it has one image", remedy="label more images, or evaluate.count"
        )
    total = len(chosen)
    found = measure(_runs(inputs, params), chosen, how, lambda done: progress(done / total, f"image {done} of {total}"))
    metrics = {
        "images": total,
        "metric": metric,
        "against": "labels" if how.labelled else next(iter(found)),
        **_figures(found, metric),
    }
    more = {
        "classes": how.classes,
        "task": how.task,
        "layout": layout_name(inputs["dataset"], params.dataset),
        "per_image": _per_image(found, metric, [sample.name for sample in chosen]),
    }
    (out / "evaluation.json").write_text(json.dumps({**more, **metrics}, indent=2, sort_keys=True) + "\n")
    _judge(metrics, params.max_drop)
    return metrics


def _runs(inputs: Mapping[str, Path], params: Params) -> dict[str, Run]:
    """What answers, by the name of the row: ``pytorch``, ``float``, ``quantized``."""
    task, runs = params.dataset.task, {}
    if "weights" in inputs:
        prepare = partial(batch, spec=params.original or params.input)
        runs["pytorch"] = batch_runner(torch_runner(inputs["weights"], params.weights), prepare, task, "PyTorch")
    runs["float"] = onnx_runner(open_model(inputs["model"]), params.input, task)
    if "quantized" in inputs:
        runs["quantized"] = onnx_runner(open_model(inputs["quantized"]), params.input, task)
    if "predictions" in inputs:
        runs["quantized"] = recorded_runner(inputs["predictions"], task)
    return runs


def _figures(found: Mapping[str, Measured], metric: str) -> dict[str, Any]:
    """All figures as ``<figure>_<row>``, the metric's intervals, the drop, and of segmentation the IoU per class."""
    figures: dict[str, Any] = {}
    per_class: dict[str, dict[str, float]] = {}
    for row, it in found.items():
        figures |= {f"{name}_{row}": round(value, _DIGITS) for name, value in it.figures().items()}
        if isinstance(it.score, Segmentation):
            for class_id, value in it.score.per_class(it.counts.sum(axis=0)).items():
                per_class.setdefault(str(class_id), {})[row] = round(value, _DIGITS)
    intervals = {row: _rounded(interval(it.counts, it.figure(metric))) for row, it in found.items()}
    figures["interval"] = {row: bounds for row, bounds in intervals.items() if bounds}
    if "quantized" in found:
        before, after = found["float"], found["quantized"]
        figures["drop"] = round(loss(metric, figures[f"{metric}_float"], figures[f"{metric}_quantized"]), _DIGITS)
        bounds = difference(before.counts, after.counts, after.figure(metric))
        if bounds:
            figures["drop_interval"] = _rounded(tuple(sorted(loss(metric, 0.0, bound) for bound in bounds)))
    return figures | ({"per_class": per_class} if per_class else {})


def _per_image(found: Mapping[str, Measured], metric: str, names: list[str]) -> dict[str, Any]:
    """The metric's pseudo-values of the last row: by them another build is compared with this one, image by image."""
    row, it = list(found.items())[-1]
    values = pseudo_values(it.counts, it.figure(metric))
    return {"row": row, "values": {name: round(value, _DIGITS) for name, value in zip(names, values, strict=True)}}


def _rounded(bounds: tuple[float, ...] | None) -> list[float] | None:
    return [round(bound, _DIGITS) for bound in bounds] if bounds else None


def _judge(metrics: Mapping[str, Any], max_drop: float | None) -> None:
    """Raise CheckError if quantization cost more than ``max_drop``."""
    if max_drop is None or metrics.get("drop", 0.0) <= max_drop:
        return
    metric = metrics["metric"]
    change = f"{metrics[f'{metric}_float']:.4f} to {metrics[f'{metric}_quantized']:.4f}"
    bounds = metrics.get("drop_interval")
    noise = ", which is within noise" if bounds and is_noise((bounds[0], bounds[1])) else ""
    raise CheckError(
        f"quantization takes {NAMES.get(metric, metric)} from {change}: a loss of {metrics['drop']:.4f}{noise}, more "
        f"than max_drop {max_drop:g}",
        remedy="try another quantization.method, or more calibration images that are like those of the dataset; "
        "ladder.json tells where it is lost",
        metrics=dict(metrics),
    )


NAMES = {"miou": "mIoU"}
"""Metrics that people write in another way."""
