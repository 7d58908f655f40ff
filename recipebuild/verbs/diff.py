"""``diff``: two models, two quantizations or two builds side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from recipebuild.report.changes import changes, pairs
from recipebuild.report.changes import tables as build_tables
from recipebuild.report.models import figures as model_table
from recipebuild.report.quantizations import changes as quantization_table
from recipebuild.verbs.report import find

__all__ = ["build_tables", "builds", "kind_of", "model_table", "models", "quantization_table", "quantizations"]


def kind_of(a: str, b: str) -> Literal["models", "quantizations", "builds"]:
    """What two sides are: ONNX models, ``quant.json`` files, or builds by folder, manifest or name."""
    files = [path for path in (Path(a), Path(b)) if path.suffix == ".onnx" or path.is_file()]
    if not files or any(path.name == "manifest.json" for path in files):
        return "builds"
    return "quantizations" if any(path.suffix == ".json" for path in files) else "models"


def models(a: str, b: str) -> list[dict[str, Any]]:
    """What is in two ONNX models.

    Raises:
        StepError: If one is no ONNX model.
    """
    from recipebuild.toolkit.graph.describe import describe

    return [describe(Path(file)).as_json() for file in (a, b)]


def quantizations(a: str, b: str) -> dict[str, Any]:
    """Two quantizations, compared tensor by tensor.

    Raises:
        RecipebuildError: If one cannot be read.
    """
    from recipebuild.toolkit.quantize.compare import compare, read

    return compare(read(Path(a)), read(Path(b))).as_json()


def builds(a: str, b: str, build_dir: Path) -> list[dict[str, Any]]:
    """What differs between two builds, entry by entry of their matrices.

    Raises:
        RecipeError: If one is no build.
    """
    return [changes(one, two) for one, two in pairs(find(a, build_dir), find(b, build_dir))]
