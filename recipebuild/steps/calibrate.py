"""calibrate: images -> a checked calibration set.   Inputs: source (folder or archive).   Outputs: calibration.tar."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import StepError
from recipebuild.figures.calibration_set import CalibrationSet
from recipebuild.figures.values import as_json
from recipebuild.toolkit.calibration.archive import sample, write_archive
from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.imagefile import ImageFile
from recipebuild.toolkit.calibration.likeness import look, spread
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.survey import ImageFacts, concerns

logger = logging.getLogger(__name__)

_LOOKING = 0.7
"""Of the step's time, roughly, where all images are looked at first."""


class Params(BaseModel):
    """Which images, and the model's input that they are for.

    Attributes:
        pattern: Glob pattern inside the source folder; ``None`` for all images.
        count: How many to draw.
        select: ``random``, or ``diverse``: those that cover all that there are.
        seed: Which ones, at random.
        shape: N, C, H, W of the model's input; images are kept as they are, it serves to warn of bad fits.
        resize: How an image becomes that size, for the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str | None = None
    count: int = Field(ge=1)
    select: Literal["random", "diverse"] = "random"
    seed: int = 0
    shape: tuple[int, int, int, int]
    resize: Literal["stretch", "letterbox"] = "stretch"


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw, check and pack the images."""
    with images(inputs["source"], params.pattern) as members:
        diverse = params.select == "diverse" and params.count < len(members)
        chosen = _covering(members, params.count, progress) if diverse else sample(members, params.count, params.seed)
        total, start = len(chosen), _LOOKING if diverse else 0.0
        facts = write_archive(
            chosen, out / "calibration.tar",
            lambda done: progress(start + (1 - start) * done / total, f"image {done} of {total}"),
        )  # fmt: skip
    if all(image.plain for image in facts):
        raise StepError(
            f"all {total} calibration images are of a single colour each: no range can be measured on them",
            remedy="check calibration.source: use images like those that the model will see",
        )
    letterbox = params.resize == "letterbox"
    warnings = concerns(facts, width=params.shape[3], height=params.shape[2], letterbox=letterbox)
    if total < params.count:
        warnings.insert(0, f"RB202 {params.count} images asked for, only {total} found: all of them are used")
    for warning in warnings:
        logger.warning("%s", warning)
    by_area = sorted(facts, key=lambda image: (image.width * image.height, image.width))
    return as_json(
        CalibrationSet(
            images=total,
            bytes=sum(image.bytes for image in facts),
            smallest=_size(by_area[0]),
            largest=_size(by_area[-1]),
            warnings=warnings,
        )
    )


def _covering(members: Sequence[ImageFile], count: int, progress: Progress) -> list[ImageFile]:
    """The images that cover all of them, sorted by name; every one is decoded for that."""
    looks = {}
    for done, image in enumerate(members, 1):
        looks[image.name] = look(decode(image.read(), image.name))
        progress(_LOOKING * done / len(members), f"looking at image {done} of {len(members)}")
    names = set(spread(looks, count))
    return sorted((image for image in members if image.name in names), key=lambda image: image.name)


def _size(image: ImageFacts) -> str:
    return f"{image.width}x{image.height}"
