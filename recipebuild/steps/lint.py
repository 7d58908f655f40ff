"""lint: the final float model -> operators that the NPU does not support, and the estimated time.

Inputs: model (ONNX).   Outputs: lint.json.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.errors import RecipeError, StepError
from recipebuild.figures.linted import EstimatedMs, Linted
from recipebuild.figures.values import as_json
from recipebuild.formats import VERSIONS
from recipebuild.toolkit.board.costs import costs
from recipebuild.toolkit.board.other_chips import estimate_for
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.pulsar2.lint import Finding, hardware_with_tables, lint

logger = logging.getLogger(__name__)

_LISTED = 20


class Params(BaseModel):
    """For what it is linted.

    Attributes:
        hardware: The chip, such as ``AX650``; of one without a published table of operators nothing is said.
        npu_mode: How many cores, such as ``NPU3``: it decides what fits on the chip.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: str
    npu_mode: str = ""


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """List the nodes; those that do not only run slowly are warnings. The time is estimated from public figures."""
    known = params.hardware in hardware_with_tables()
    findings = lint(load(inputs["model"], weights=False), params.hardware, params.npu_mode) if known else []
    written = {"hardware": params.hardware, "findings": [asdict(each) for each in findings]}
    text = json.dumps({"version": VERSIONS["lint"], **written}, indent=2)
    (out / "lint.json").write_text(f"{text}\n", encoding="utf-8")
    warnings = _warnings(params.hardware, [finding for finding in findings if finding.severity != "slow"])
    for warning in warnings:
        logger.warning("%s", warning)
    estimated = _estimated_ms(inputs["model"], params)
    return as_json(Linted(params.hardware, params.npu_mode, len(findings), warnings or (), estimated))


def _estimated_ms(model: Path, params: Params) -> EstimatedMs | None:
    """``None`` if there are no public measurements of the chip in that mode, or the graph's sizes are not known."""
    try:
        estimate = estimate_for(params.hardware, params.npu_mode, costs(model))
    except (RecipeError, StepError):
        return None
    return {"ms": round(estimate.ms, 4), "low": round(estimate.low, 4), "high": round(estimate.high, 4)}


def _warnings(hardware: str, findings: Sequence[Finding]) -> list[str]:
    """A line for each finding; of a rule that finds many, for the first ones and for how many more there are."""
    warnings = []
    for code in sorted({finding.code for finding in findings}):
        lines = [f"{code} {hardware}: {finding}" for finding in findings if finding.code == code]
        more = len(lines) - _LISTED
        warnings += lines[:_LISTED] + (
            [f"{code} {hardware}: and {more} more, which lint.json lists"] if more > 0 else []
        )
    return warnings
