"""What can be said of a model's file: an ONNX model and the hardware it is for, or a compiled model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.graph.files import load
from recipebuild.graph.statistics import Tensor, inputs, operator_counts, outputs, parameters
from recipebuild.pulsar2.axmodel import AxModel, describe
from recipebuild.pulsar2.lint import Finding, lint


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX model.

    Attributes:
        inputs: What it is fed.
        outputs: What it gives.
        operators: How many nodes of each.
        parameters: Elements of all initializers.
        findings: What the hardware cannot take; ``None`` if none was named.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: dict[str, int]
    parameters: int
    findings: tuple[Finding, ...] | None

    @property
    def falls_short(self) -> bool:
        """Whether a finding keeps the model from running on the NPU as it should."""
        return any(finding.severity != "slow" for finding in self.findings or ())

    def as_json(self) -> dict[str, Any]:
        """What ``inspect --json`` prints."""
        return asdict(self)


def inspect(path: Path, hardware: str | None) -> OnnxModel | AxModel:
    """Describe the model at ``path``; of an ONNX model, find what ``hardware`` cannot take.

    Raises:
        RecipeError: If there is no such file, or no table for the hardware.
        StepError: If it is no model.
    """
    if not path.is_file():
        raise RecipeError(f"there is no file {path}")
    if path.suffix == ".axmodel":
        return describe(path)
    model = load(path, weights=False)
    found = tuple(lint(model, hardware)) if hardware else None
    return OnnxModel(tuple(inputs(model)), tuple(outputs(model)), operator_counts(model), parameters(model), found)
