"""evaluate: accuracy of the PyTorch, ONNX and quantized models on a dataset, and the cost of quantization.

No model runs here. Inputs: model (ONNX, for its classes); float, quantized (optional), pytorch (optional): what the
models gave (tars of the step answers; of what Pulsar2 compiled, of a simulation); weights (folder in HF layout, for its
config.json; optional), dataset (folder), calibration (tar, optional).   Outputs: evaluation.json.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.facts.metrics import loss
from recipebuild.facts.tasks import DETECTION
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.values import as_json
from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.calibration.tone import Tone, tone, unlike
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.detection.precision import MatchTable
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, Sample, samples
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.label_survey import LabelSurvey
from recipebuild.toolkit.evaluate.layouts import layout_name
from recipebuild.toolkit.evaluate.measure import FIDELITY, ImageScores, Measurement, measure
from recipebuild.toolkit.evaluate.noise import difference, interval, pseudo_values
from recipebuild.toolkit.evaluate.parts import Part, part_of
from recipebuild.toolkit.evaluate.raw_outputs import RawOutputs
from recipebuild.toolkit.evaluate.runners import recorded_runner
from recipebuild.toolkit.evaluate.scores import Segmentation
from recipebuild.toolkit.graph.logit import logit
from recipebuild.toolkit.models.depth import depth_kind
from recipebuild.toolkit.models.detector import detector_of

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.evaluate.runners import Run

logger = logging.getLogger(__name__)

_DIGITS = 6


class Params(BaseModel):
    """On what to evaluate.

    Attributes:
        dataset: How the dataset is laid out, and the task.
        count: How many images to draw from the dataset; ``None`` for all.
        seed: Which ones.
        part: Which half of these; ``recipebuild tune`` chooses by one, and judges by the other.
        classes: How many classes there are; ``None`` to read it from the model.
        labels: What the classes are called; ``None`` as the model or the dataset tells.
        depth: What depth is; ``None`` to read it from the model's config.json.
        metric: The figure that counts; ``None`` for the usual one.
        threshold: Of a network of one class: the probability (0..1) above which it is there.
        detector: How boxes are made; ``None`` where there are none, or the model's config.json tells.
        image: Of detectors and image-to-image: the network's input, by which outputs become boxes or pixels again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetSpec = DatasetSpec()
    count: int | None = Field(default=None, ge=1)
    seed: int = 0
    part: Part = "all"
    classes: int | None = Field(default=None, ge=1)
    labels: list[str] | None = None
    depth: Literal["metric", "relative"] | None = None
    metric: str | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)
    detector: Detector | None = None
    image: ImageSpec | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Evaluate all models on the same images; write the figures.

    Raises:
        CheckError: If a model gives NaN.
        StepError: If the dataset is bad or says nothing, or it or ``labels`` do not fit the model.
    """
    kind = params.depth or (depth_kind(inputs["weights"]) if "weights" in inputs else "metric")
    spec, notes = as_trained(params.dataset, inputs["dataset"], inputs.get("weights"), params.labels)
    how = Measurement.of(
        inputs["model"], inputs["dataset"], spec, relative=kind == "relative", image=params.image,
        detection=_detection(inputs.get("weights"), params),
    )  # fmt: skip
    if params.classes:
        how = replace(how, classes=params.classes)
    metric = params.metric or how.metrics[0]
    if metric not in how.metrics:
        raise StepError(
            f"a dataset {'with' if how.labelled else 'without'} labels does not give the metric {metric}",
            field="evaluate.metric",
            remedy=f"it gives {', '.join(how.metrics)}",
        )
    layout = layout_name(inputs["dataset"], spec)
    config = inputs["weights"] / "config.json" if "weights" in inputs else None
    names = class_names(how.classes, labels=params.labels, config=config, cityscapes=layout == "cityscapes")
    chosen = part_of(samples(inputs["dataset"], params.count, params.seed, spec), params.part, params.seed)
    if not chosen:
        raise StepError(
            "the dataset cannot be cut into halves: it has one image", remedy="label more images, or evaluate.count"
        )
    survey = LabelSurvey(how.task, labelled=how.labelled)
    tones: list[Tone] = []
    done = count(1)

    def seen(sample: Sample, image: Image.Image | None, truth: Any) -> None:
        if image is not None:
            survey.add(sample, image, truth)
            tones.append(tone(image))
        number = next(done)
        progress(number / len(chosen), f"sample {number} of {len(chosen)}")

    measured = measure(_runs(inputs, params), chosen, how, seen)
    fidelity = measured.pop(FIDELITY, None)
    survey.check()
    warnings = [*notes, *survey.concerns(names)]
    if "calibration" in inputs:
        warnings += unlike([tone(image) for _, image in read_archive(inputs["calibration"])], tones)
    for warning in warnings:
        logger.warning("%s", warning)
    against = "labels" if how.labelled else next(iter(measured))
    figures = _figures(measured, metric, images=len(chosen), against=against, labels=names)
    ignored = None if survey.ignored is None else round(survey.ignored, _DIGITS)
    metrics = as_json(replace(figures, ignored=ignored, warnings=warnings or None, fidelity=_rounded_figures(fidelity)))
    more = {
        "classes": how.classes,
        "task": how.task,
        "layout": layout,
        **({"labels": names} if names else {}),
        "per_image": _per_image(measured, metric, [sample.name for sample in chosen]),
    }
    (out / "evaluation.json").write_text(json.dumps({**more, **metrics}, indent=2, sort_keys=True) + "\n")
    return metrics


def _detection(weights: Path | None, params: Params) -> Detection | None:
    detector = params.detector
    if detector is None and weights is not None and params.dataset.task == DETECTION:
        detector = detector_of(weights / "config.json")
    return Detection(detector, params.image) if detector and params.image else None


def _runs(inputs: Mapping[str, Path], params: Params) -> dict[str, Run]:
    """What answers, by the name of the row, in their order; only PyTorch gives a threshold's logits."""
    cuts = {"pytorch": logit(params.threshold), "float": 0.0, "quantized": 0.0}
    return {
        row: recorded_runner(inputs[row], params.dataset.task, cut=cut) for row, cut in cuts.items() if row in inputs
    }


def _figures(
    measured: Mapping[str, ImageScores], metric: str, *, images: int, against: str, labels: Sequence[str]
) -> Evaluation:
    """The figures of all rows, the metric's intervals, the drop, and what there is for each class."""
    scores: dict[str, float] = {}
    per_class: dict[str, dict[str, float]] = {}
    per_output: dict[str, dict[str, float]] = {}
    for row, result in measured.items():
        scores |= {f"{name}_{row}": round(value, _DIGITS) for name, value in result.figures().items()}
        if isinstance(result.score, Segmentation | MatchTable):
            for class_id, value in result.score.per_class(result.counts.sum(axis=0)).items():
                per_class.setdefault(str(class_id), {})[row] = round(value, _DIGITS)
        elif isinstance(result.score, RawOutputs):
            by_output = result.score.by_output(result.counts.sum(axis=0))
            per_output = {
                name: {key: round(value, _DIGITS) for key, value in figures.items()}
                for name, figures in by_output.items()
            }
    intervals = {row: _rounded(interval(result.counts, result.figure(metric))) for row, result in measured.items()}
    drop, drop_interval = None, None
    if "quantized" in measured:
        before, after = measured["float"], measured["quantized"]
        drop = round(loss(metric, scores[f"{metric}_float"], scores[f"{metric}_quantized"]), _DIGITS)
        if bounds := difference(before.counts, after.counts, after.figure(metric), before.figure(metric)):
            drop_interval = _rounded(tuple(sorted(loss(metric, 0.0, bound) for bound in bounds)))
    return Evaluation(
        images=images,
        metric=metric,
        against=against,
        scores=scores,
        interval={row: bounds for row, bounds in intervals.items() if bounds},
        drop=drop,
        drop_interval=drop_interval,
        per_class=per_class or None,
        labels=labels if per_class else None,
        per_output=per_output if "quantized" in measured and per_output else None,
    )


def _rounded_figures(row: ImageScores | None) -> dict[str, float] | None:
    return {name: round(value, _DIGITS) for name, value in row.figures().items()} if row else None


def _per_image(measured: Mapping[str, ImageScores], metric: str, names: list[str]) -> dict[str, Any]:
    """The metric's pseudo-values of the last row: by them another build is compared with this one, image by image."""
    row, result = list(measured.items())[-1]
    values = pseudo_values(result.counts, result.figure(metric))
    return {"row": row, "values": {name: round(value, _DIGITS) for name, value in zip(names, values, strict=True)}}


def _rounded(bounds: tuple[float, ...] | None) -> list[float] | None:
    return [round(bound, _DIGITS) for bound in bounds] if bounds else None
