"""ladder: where accuracy is lost, stage by stage, from PyTorch with its own preprocessor to the compiled model.

Inputs: rungs (rungs.json: what the stages gave, of the step rungs); model (folder in HF layout, for its preprocessor's
settings; optional); evaluation (evaluation.json, optional).
Outputs: ladder.json.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.facts.metrics import loss
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.values import as_json, read_figures
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.ladder import RUNGS, RungCounts, climb
from recipebuild.toolkit.evaluate.measure import Measurement
from recipebuild.toolkit.evaluate.rung_verdict import sixteen_bits, verdict, with_evaluation
from recipebuild.toolkit.models.processor import disagreements, normalization, own_processor

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """How the rungs are judged.

    Attributes:
        original: Of the model before its channels were exchanged.
        metric: The figure that counts; ``None`` for the usual one.
        mode: Which of Pulsar2's simulations ``evaluate`` measured.
        sixteen_bits: Whether the recipe has 16-bit layers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    original: ImageSpec | None
    metric: str | None = None
    mode: Literal["NPUBackend", "Reference"] = "NPUBackend"
    sixteen_bits: bool = False


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Judge the rungs; write their rows, and name the rung that lost the most."""
    climbed = json.loads(inputs["rungs"].read_text(encoding="utf-8"))
    how, images = Measurement.from_json(climbed["how"]), climbed["images"]
    metric = params.metric or how.metrics[0]
    counts = [RungCounts.from_json(rung) for rung in climbed["rungs"]]
    compiled = "emulated" if params.mode == "Reference" else "simulated"
    rows = with_evaluation(climb(counts, how, metric), _evaluation(inputs, images), metric, compiled)
    warnings = climbed["concerns"] + _preprocessing(inputs, params, rows, metric)
    if params.sixteen_bits:
        warnings += sixteen_bits(rows, metric)
    for warning in warnings:
        logger.warning("%s", warning)
    metrics = as_json(
        Ladder(
            images=images,
            metric=metric,
            against="labels" if how.labelled else str(rows[0]["title"]),
            rows=rows,
            verdict=verdict(rows, metric),
            warnings=warnings,
        )
    )
    (out / "ladder.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return metrics


def _evaluation(inputs: Mapping[str, Path], images: int) -> Evaluation | None:
    """The figures of the step evaluate, where it saw more than these images."""
    if "evaluation" not in inputs:
        return None
    evaluation = read_figures(Evaluation, json.loads(inputs["evaluation"].read_text(encoding="utf-8")))
    return evaluation if evaluation and evaluation.images > images else None


def _preprocessing(
    inputs: Mapping[str, Path], params: Params, rows: Sequence[dict[str, Any]], metric: str
) -> list[str]:
    """What to say if the recipe's preprocessing costs accuracy: that is no loss of quantization."""
    if params.original is None:
        return []
    row = next((row for row in rows if row["rung"] == "pytorch" and "change" in row), None)
    if row is None or row["within_noise"] or loss(metric, 0.0, row["change"]) <= 0:
        return []
    before = row[metric] - row["change"]
    summary = (
        f"the recipe's preprocessing alone takes {metric} of the PyTorch model from {before:.4f} to {row[metric]:.4f}"
    )
    try:
        own = own_processor(inputs["model"])
        declared = normalization(own) if own else None
    except StepError:
        declared = None
    reasons = disagreements(declared, params.original) if declared else []
    return [f"RB115 {summary}: {'; '.join(reasons) or RUNGS['pytorch'].remedy}"]
