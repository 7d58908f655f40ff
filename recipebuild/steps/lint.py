"""lint: the final float model -> what the NPU cannot take of it.   Inputs: model (ONNX).   Outputs: lint.json."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.step import Progress
from recipebuild.formats import VERSIONS
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.pulsar2.lint import hardware_with_tables, lint

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
    """List the nodes; those that do not only run slowly are warnings."""
    known = params.hardware in hardware_with_tables()
    findings = lint(load(inputs["model"], weights=False), params.hardware, params.npu_mode) if known else []
    written = {"hardware": params.hardware, "findings": [asdict(each) for each in findings]}
    text = json.dumps({"version": VERSIONS["lint"], **written}, indent=2)
    (out / "lint.json").write_text(f"{text}\n", encoding="utf-8")
    warnings = [f"{finding.code} {params.hardware}: {finding}" for finding in findings if finding.severity != "slow"]
    if len(warnings) > _LISTED:
        warnings = [*warnings[:_LISTED], f"RB400 and {len(warnings) - _LISTED} more findings, which lint.json lists"]
    for warning in warnings:
        logger.warning("%s", warning)
    return {"hardware": params.hardware, "findings": len(findings), **({"warnings": warnings} if warnings else {})}
