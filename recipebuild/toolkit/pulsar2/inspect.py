"""What can be said of a model's file: an ONNX model and the hardware it is for, or a compiled model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.toolkit.graph.describe import Description
from recipebuild.toolkit.graph.describe import describe as describe_onnx
from recipebuild.toolkit.graph.dry_rewrite import Prospect, dry_rewrite
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.passes import defaults
from recipebuild.toolkit.pulsar2.axmodel import AxModel, describe
from recipebuild.toolkit.pulsar2.lint import Finding, lint


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX model.

    Attributes:
        description: What is in it, and what it costs.
        findings: What the hardware cannot take; ``None`` if none was named.
        rewrites: What each rewrite of a build would do, and why not; ``None`` if that was not asked for.
    """

    description: Description
    findings: tuple[Finding, ...] | None
    rewrites: tuple[Prospect, ...] | None = None

    @property
    def falls_short(self) -> bool:
        """Whether a finding keeps the model from running on the NPU as it should."""
        return any(finding.severity != "slow" for finding in self.findings or ())

    def as_json(self) -> dict[str, Any]:
        """What ``inspect --json`` prints."""
        value = self.description.as_json()
        if self.findings is not None:
            value["findings"] = [asdict(finding) for finding in self.findings]
        if self.rewrites is not None:
            value["rewrites"] = [each.as_json() for each in self.rewrites]
        return value


def inspect(path: Path, hardware: str | None = None, rewrites: bool = False) -> OnnxModel | AxModel:
    """Describe the model at ``path``; of an ONNX model, find what ``hardware`` cannot take.

    Args:
        path: An ONNX model, or a compiled one.
        hardware: The NPU that it is for.
        rewrites: Whether to try what the rewrites of a build for it, or for the host, would do.

    Raises:
        RecipeError: If there is no such file, no table for the hardware, or the model is compiled and has no rewrites.
        StepError: If it is no model.
    """
    if not path.is_file():
        raise RecipeError(f"there is no file {path}", remedy="name an ONNX model, or a compiled .axmodel")
    if path.suffix == ".axmodel":
        if rewrites:
            raise RecipeError(
                f"{path} is compiled: no rewrite applies to it", remedy="name the ONNX model it was made of"
            )
        return describe(path)
    findings = tuple(lint(load(path, weights=False), hardware)) if hardware else None
    description = describe_onnx(path)
    return OnnxModel(description, findings, dry_rewrite(path, defaults(hardware or "host")) if rewrites else None)
