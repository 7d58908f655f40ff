"""The figures of accuracy: a row for each metric. How each is computed is in ``toolkit/evaluate/scores.py``.

What recipes may ask for, how reports and bundles write a figure, and the table in docs/accuracy.md are made of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, DETECTION, FEATURES, OTHER, RESTORATION, SEGMENTATION, TEXT


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: As recipes and manifests say it.
        title: As people write it.
        unit: ``%`` for fractions (0..1), which are shown in per cent; ``dB``; else empty.
        tasks: The tasks whose recipes may ask for it.
        what: What it says, for the documentation.
        labels: Whether it needs labels; else it holds a model against another one.
        lower_is_better: Whether it is an error.
    """

    name: str
    title: str
    unit: Literal["%", "dB", ""]
    tasks: tuple[str, ...]
    what: str
    labels: bool = True
    lower_is_better: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "miou", "mIoU", "%", (SEGMENTATION,),
            "mean IoU over the classes that occur in the labels; that of each class is in `evaluation.json`",
        ),
        Metric("pixel_accuracy", "pixel accuracy", "%", (SEGMENTATION,), "share of pixels with the right class"),
        Metric("top1", "top-1", "%", (CLASSIFICATION,), "share of images whose likeliest class is right"),
        Metric("top5", "top-5", "%", (CLASSIFICATION,), "share of images whose class is among the five likeliest"),
        Metric("abs_rel", "AbsRel", "", (DEPTH,), "mean error relative to the truth", lower_is_better=True),
        Metric("rmse", "RMSE", "", (DEPTH,), "root of the mean squared error, in metres", lower_is_better=True),
        Metric("delta1", "delta<1.25", "%", (DEPTH,), "share of pixels within 1.25 times the truth"),
        Metric(
            "map", "mAP", "%", (DETECTION,),
            "COCO's mean average precision, over IoU from 0.5 to 0.95; that of each class is in `evaluation.json`",
        ),
        Metric("map50", "mAP50", "%", (DETECTION,), "mean average precision at an IoU of 0.5"),
        Metric("psnr", "PSNR", "dB", (RESTORATION,), "peak signal-to-noise ratio of the 8-bit pixels, at most 100"),
        Metric("ssim", "SSIM", "", (RESTORATION,), "structural similarity of the 8-bit pixels, at most 1"),
        Metric("agreement", "agreement", "%", (SEGMENTATION, CLASSIFICATION), "share of equal class ids", labels=False),
        Metric(
            "cosine", "cosine", "", (DEPTH, RESTORATION, FEATURES, DETECTION, OTHER, TEXT),
            "cosine of the values; of features, per place; of the task `other`, of the output that lost most",
            labels=False,
        ),
        Metric("snr", "SNR", "dB", (), "signal-to-noise ratio of the values; shown beside the others", labels=False),
        Metric(
            "retrieval", "retrieval", "%", (TEXT,),
            "share of texts whose nearest neighbour among the others, by cosine, is the one that the other model has",
            labels=False,
        ),
    )
}  # fmt: skip
"""All metrics, by name; of each task the usual one comes first."""

AGAINST_A_MODEL = tuple(metric.name for metric in METRICS.values() if not metric.labels)
"""Metrics that need no labels."""

ROWS = ("pytorch", "float", "quantized", "board")
"""What accuracy is measured of: the PyTorch model, the ONNX model, what was compiled (on this machine), the board."""

if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(name for name, metric in METRICS.items() if metric.tasks)]


def metrics_of(task: str, *, labels: bool = False) -> tuple[str, ...]:
    """The metrics of a task, the usual one first; with ``labels`` only those that need labels."""
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks and (metric.labels or not labels))


def metric_title(metric: str) -> str:
    """What people call a metric: ``mIoU`` for ``miou``."""
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ")


def change_text(metric: str, before: float, after: float) -> str:
    """What became of a figure, to the digit where small losses show: ``mIoU 82.92 to 82.88 %``."""
    percent = METRICS[metric].unit == "%"
    ends = (f"{100 * value:.2f}" if percent else f"{value:.4f}" for value in (before, after))
    return f"{metric_title(metric)} {' to '.join(ends)}{' %' if percent else ''}"


def points_text(metric: str, bounds: Sequence[float]) -> str:
    """The two ends of a change with their signs: ``-0.31 to +0.04 points`` of a figure in per cent."""
    percent = METRICS[metric].unit == "%"
    ends = (f"{100 * bound:+.2f}" if percent else f"{bound:+.4f}" for bound in bounds)
    return f"{' to '.join(ends)}{' points' if percent else ''}"


def loss(metric: str, before: Any, after: Any) -> Any:
    """How much worse ``after`` is than ``before``, figures or arrays of them: above 0 if it is."""
    return after - before if metric in METRICS and METRICS[metric].lower_is_better else before - after
