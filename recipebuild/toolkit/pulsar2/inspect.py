"""What can be said of a model's file: an ONNX model and the hardware it is for, or a compiled model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.toolkit.graph.describe import Description
from recipebuild.toolkit.graph.describe import describe as describe_onnx
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.pulsar2.axmodel import AxModel, describe
from recipebuild.toolkit.pulsar2.lint import Finding, lint


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX model.

    Attributes:
        description: What is in it, and what it costs.
        findings: What the hardware cannot take; ``None`` if none was named.
    """

    description: Description
    findings: tuple[Finding, ...] | None

    @property
    def falls_short(self) -> bool:
        """Whether a finding keeps the model from running on the NPU as it should."""
        return any(finding.severity != "slow" for finding in self.findings or ())

    def as_json(self) -> dict[str, Any]:
        """What ``inspect --json`` prints."""
        if self.findings is None:
            return self.description.as_json()
        return {**self.description.as_json(), "findings": [asdict(finding) for finding in self.findings]}


def inspect(path: Path, hardware: str | None = None) -> OnnxModel | AxModel:
    """Describe the model at ``path``; of an ONNX model, find what ``hardware`` cannot take.

    Raises:
        RecipeError: If there is no such file, or no table for the hardware.
        StepError: If it is no model.
    """
    if not path.is_file():
        raise RecipeError(f"there is no file {path}", remedy="name an ONNX model, or a compiled .axmodel")
    if path.suffix == ".axmodel":
        return describe(path)
    findings = tuple(lint(load(path, weights=False), hardware)) if hardware else None
    return OnnxModel(describe_onnx(path), findings)
