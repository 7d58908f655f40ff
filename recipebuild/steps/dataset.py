"""dataset: a dataset of the library `datasets` -> a folder of images and labels.

Inputs: source (folder, optional; else the hub).   Outputs: dataset (folder, laid out as ``evaluate/prepared.py`` says).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.evaluate.prepared import open_split, prepare


class Params(BaseModel):
    """Which images.

    Attributes:
        hub_id: owner/name; ``None`` for the folder.
        revision: Commit, branch or tag on the hub.
        task: What the labels are for.
        split: Which part; ``None`` for validation, else test.
        columns: Those of images and labels; ``None`` to find them.
        count: How many to draw; ``None`` for all.
        seed: Which ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub_id: str | None = None
    revision: str | None = None
    task: str
    split: str | None = None
    columns: tuple[str, str] | None = None
    count: int | None = Field(default=None, ge=1)
    seed: int = 0


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Write the images and labels."""
    progress(0.0, "loading")
    data = open_split(params.hub_id or inputs["source"], params.revision, params.split)
    count = prepare(
        data, params.task, params.columns, params.count, params.seed, out / "dataset",
        lambda done, total: progress(done / total, f"image {done} of {total}"),
    )  # fmt: skip
    return {"images": count, "of": len(data), "bytes": sum(p.stat().st_size for p in out.rglob("*") if p.is_file())}
