"""The figures of the step evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recipebuild.figures.values import others


@dataclass(frozen=True)
class Evaluation:
    """Accuracy on a dataset, and what quantization costs.

    Attributes:
        images: How many were evaluated.
        metric: The figure that counts.
        against: ``labels``, or the row whose answers count as right.
        interval: By row, the metric's 95 % interval.
        scores: ``miou_float`` and so on: each figure of each row (``pytorch``, ``float``, ``quantized``).
        drop: What quantization costs in the metric.
        drop_interval: Its 95 % interval.
        per_class: By class id as text, by row: of segmentation the IoU, of detection the average precision.
        ignored: Of segmentation with labels: the share of pixels (0..1) that do not count.
        fidelity: With labels: how far the quantized model's answers are those of the float one, as ``agreement``
            (0..1), ``cosine`` or ``snr`` (dB), whichever the answers have. Without labels the scores tell that.
        warnings: Why the figures may say less than they seem to.
        labels: With ``per_class``: the names of the classes, by class id.
        per_output: Of the task ``other``: ``cosine`` and ``snr`` (dB) of each output of the quantized model, by name.
    """

    images: int
    metric: str
    against: str
    interval: Mapping[str, Sequence[float]]
    scores: Mapping[str, float] = others()
    drop: float | None = None
    drop_interval: Sequence[float] | None = None
    per_class: Mapping[str, Mapping[str, float]] | None = None
    labels: Sequence[str] | None = None
    ignored: float | None = None
    warnings: Sequence[str] | None = None
    fidelity: Mapping[str, float] | None = None
    per_output: Mapping[str, Mapping[str, float]] | None = None

    @property
    def distance(self) -> float | None:
        """How far the quantized answers are from the float ones: the share of other class ids, or noise over signal."""
        own = {name: self.scores.get(f"{name}_quantized") for name in ("agreement", "snr")}
        figures = self.fidelity or {name: value for name, value in own.items() if value is not None}
        if "agreement" in figures:
            return 1 - figures["agreement"]
        return 10 ** (-figures["snr"] / 10) if "snr" in figures else None

    def score(self, row: str) -> float | None:
        """The metric of a row; ``None`` if that was not measured."""
        return self.scores.get(f"{self.metric}_{row}")
