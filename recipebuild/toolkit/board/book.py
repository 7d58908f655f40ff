"""The latency book: what you measured, one row for each model, input, NPU mode and toolchain version.

It is ``latency.json`` in ``$XDG_DATA_HOME/recipebuild`` (``~/.local/share/recipebuild``). ``board run`` writes it, and
``estimate`` reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.values import read_figures
from recipebuild.files import write_text
from recipebuild.toolkit.board.costs import Costs
from recipebuild.toolkit.board.estimate import MeasuredModel

_KEY = ("sha256", "input", "npu_mode", "toolchain")


def note(manifest: Mapping[str, Any]) -> None:
    """Write down what a build measured on a board, in place of what was measured of the same model before.

    Raises:
        RecipeError: If the book cannot be read or written.
    """
    steps = [step for step in manifest["steps"] if step["name"] == "deploy" and step["status"] == "built"]
    rows = [
        {"recipe": manifest["recipe"], "board": deploy.board, **deploy.model, "ms": deploy.latency_ms["avg"]}
        for step in steps
        if (deploy := read_figures(Deployed, step["metrics"])) and deploy.model["costs"] is not None
    ]
    if not rows:
        return
    from filelock import FileLock

    path = _file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            kept = {_key(row): row for row in [*read(), *rows]}
            write_text(path, json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RecipeError(f"the latency book {path} cannot be written: {error.strerror}") from error


def read() -> list[dict[str, Any]]:
    """All rows of the book; none if there is no book.

    Raises:
        RecipeError: If it is damaged.
    """
    path = _file()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [row for row in rows if _key(row) and row["costs"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"the latency book {path} is damaged: {error!r}", remedy="correct it, or remove it") from None


def measured() -> list[MeasuredModel]:
    """The rows as what an estimate is fitted on."""
    return [
        MeasuredModel(
            row["recipe"],
            Costs(**{**row["costs"], "softmax_sizes": tuple(row["costs"]["softmax_sizes"])}),
            {row["npu_mode"]: row["ms"]},
        )
        for row in read()
    ]


def _key(row: Mapping[str, Any]) -> str:
    return json.dumps([row[name] for name in _KEY])


def _file() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "recipebuild" / "latency.json"
