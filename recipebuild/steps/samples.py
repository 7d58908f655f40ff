"""samples: files of tensors -> checked calibration samples of the inputs that are not images.

Inputs: for each input more_<name> (folder or archive), calibration (tar of images; of models that take one).
Outputs: samples.tar.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.calibration.samples import write_samples
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.tensor_files import (
    TensorSpec,
    beside_images,
    checked_tensor,
    drawn,
    tensor_files,
)

if TYPE_CHECKING:
    from recipebuild.toolkit.calibration.samples import Tensors

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which samples.

    Attributes:
        tensors: The inputs that are no images.
        count: How many samples to draw, of models without an image; the others have one for each image.
        seed: Which ones.
        in_order: Whether the first ones are taken, as sequences need it, and none are drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tensors: tuple[TensorSpec, ...] = Field(min_length=1)
    count: int = Field(ge=1)
    seed: int = 0
    in_order: bool = False


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Draw, check and pack the samples.

    Raises:
        StepError: If a sample has no file for an input, or one of another shape or type, or with numbers that the chip
            has no room for.
    """
    with contextlib.ExitStack() as open_sources:
        by_input = {
            spec.name: open_sources.enter_context(tensor_files(inputs[f"more_{spec.name}"])) for spec in params.tensors
        }
        if "calibration" in inputs:
            names = _of_images(inputs["calibration"])
            by_input = {name: beside_images(files) for name, files in by_input.items()}
        else:
            first, *_ = by_input.values()
            names = {name: name for name in drawn(first, params.count, params.seed, in_order=params.in_order)}

        def checked() -> Iterator[tuple[str, Tensors]]:
            for done, (name, stem) in enumerate(names.items()):
                progress(done / len(names), f"sample {done} of {len(names)}")
                tensors = {
                    spec.name: checked_tensor(by_input[spec.name], spec, stem, "inputs") for spec in params.tensors
                }
                yield name, tensors

        count = write_samples(out / "samples.tar", checked())
    warnings = []
    if "calibration" not in inputs and count < params.count:
        warnings.append(f"RB202 {params.count} samples asked for, only {count} found: all of them are used")
    for warning in warnings:
        logger.warning("%s", warning)
    bytes_ = (out / "samples.tar").stat().st_size
    return {"samples": count, "bytes": bytes_, **({"warnings": warnings} if warnings else {})}


def _of_images(archive: Path) -> dict[str, str]:
    """The names of the calibration images, and what the files that go with them are called."""
    with images(archive) as files:
        return {image.name: Path(image.name).stem for image in files}
