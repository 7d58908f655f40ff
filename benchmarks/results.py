"""The history of figures: each benchmark appends a line of JSON to ``results.jsonl``.

It is in the repository, so a line says which machine it comes from by its hardware only, never by name or path.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.timing import cpu_name

RESULTS = Path(__file__).with_name("results.jsonl")

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "pydantic", "torch", "transformers")


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Attributes:
        value: The figure.
        unit: Such as ``s`` or ``MB``.
        base: What it is measured against, in the same unit, if there is such a thing.
        of: The name of that.
    """

    value: float
    unit: str
    base: float | None = None
    of: str = ""


def seconds_of(seconds: Mapping[str, float], of: str) -> dict[str, Figure]:
    """Seconds by name, each measured against the one named ``of``."""
    return {name: Figure(took, "s", seconds[of], of) for name, took in seconds.items()}


def append(benchmark: str, figures: Mapping[str, Figure], path: Path = RESULTS) -> None:
    """Add the figures of one run of a benchmark to the history."""
    line = {
        "benchmark": benchmark,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": _machine(),
        "figures": {name: asdict(figure) for name, figure in figures.items()},
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """The history, oldest first; empty if there is none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _commit() -> str:
    """The commit that was measured, with a plus sign if there are changes on top of it."""

    def git(*arguments: str) -> str:
        command: Sequence[str] = ["git", *arguments]
        done = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/", f":!{RESULTS.name}")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
