"""The programs on the board that run a model: what each feeds and reads, from ``runners.yaml``.

Use: ``runners()["ax_segformer"].command("compiled.axmodel", 640, 1280)``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class Runner(BaseModel):
    """One program of ax-samples; ``runners.yaml`` says what the fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    return {name: Runner(name=name, **row) for name, row in table.items()}
