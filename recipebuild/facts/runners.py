"""The programs on the board that run a model: what each feeds and reads, from ``runners.yaml``.

Use: ``runners()["ax_segformer"].command("compiled.axmodel", 640, 1280)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml


@dataclass(frozen=True)
class Runner:
    """One program of ax-samples; ``runners.yaml`` says what the fields mean."""

    name: str
    task: str
    color: Literal["RGB", "BGR"]
    outputs: tuple[Literal["logits", "class_ids", "features", "depth"], ...]
    size: tuple[int, int]
    any_size: bool
    scale: int = 1
    ids: str | None = None
    classes: int | None = None
    places: int | None = None

    def command(self, model: str, height: int, width: int) -> str:
        """The line that runs it on ``image.jpg``; the size is named where it is not the program's own."""
        size = "" if (height, width) == self.size else f" -g {height},{width}"
        return f"{self.name} -m {model} -i image.jpg{size} -r 10"


@cache
def runners() -> dict[str, Runner]:
    """All known programs, by name."""
    table = yaml.safe_load((Path(__file__).parent / "runners.yaml").read_text(encoding="utf-8"))
    return {
        name: Runner(**{**row, "name": name, "outputs": tuple(row["outputs"]), "size": tuple(row["size"])})
        for name, row in table.items()
    }
