"""calibrate: images -> a checked calibration set.   Inputs: source (folder or archive).   Outputs: calibration.tar."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.calibration.archive import sample, write_archive
from recipebuild.calibration.source import images
from recipebuild.calibration.survey import ImageFacts, concerns
from recipebuild.engine.step import Progress

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which images, and the model's input that they are for.

    Attributes:
        pattern: Glob pattern inside the source folder; ``None`` for all images.
        count: How many to draw.
        seed: Which ones.
        shape: N, C, H, W of the model's input; images are kept as they are, it serves to warn of bad fits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str | None = None
    count: int = Field(ge=1)
    seed: int = 0
    shape: tuple[int, int, int, int]


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw, check and pack the images."""
    with images(inputs["source"], params.pattern) as found:
        chosen = sample(found, params.count, params.seed)
        total = len(chosen)
        facts = write_archive(
            chosen, out / "calibration.tar", lambda done: progress(done / total, f"image {done} of {total}")
        )
    warnings = concerns(facts, width=params.shape[3], height=params.shape[2])
    if total < params.count:
        warnings.insert(0, f"{params.count} images asked for, only {total} found: all of them are used")
    for warning in warnings:
        logger.warning("%s", warning)
    by_area = sorted(facts, key=lambda image: (image.width * image.height, image.width))
    return {
        "images": total,
        "bytes": sum(image.bytes for image in facts),
        "smallest": _size(by_area[0]),
        "largest": _size(by_area[-1]),
        "warnings": warnings,
    }


def _size(image: ImageFacts) -> str:
    return f"{image.width}x{image.height}"
