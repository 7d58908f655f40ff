"""The calibration set as the model's inputs.   Use: ``for batch in CalibrationSet(archive, spec): ...``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.preprocess import ImageSpec, preprocess
from recipebuild.toolkit.calibration.source import images

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Batch = npt.NDArray[np.float32]
    Feed = Mapping[str, npt.NDArray[np.float32]]


class Batches(Protocol):
    """What a model is calibrated with, gone through once or twice.

    Float32 batches [N, C, H, W] of its one input, or mappings from the names of several to an array each.
    """

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Batch | Feed]:
        """All of them, in the same order each time."""


@dataclass(frozen=True)
class CalibrationSet:
    """The images of an archive, read and preprocessed anew in each pass, so one is in memory at a time.

    Attributes:
        archive: The calibration archive.
        spec: What the model expects; with N above 1, a batch repeats its image.

    Raises:
        StepError: While going through it, if the archive is empty or damaged.
    """

    archive: Path
    spec: ImageSpec

    def __len__(self) -> int:
        """How many images there are."""
        with images(self.archive) as files:
            return len(files)

    def __iter__(self) -> Iterator[Batch]:
        """Each image as float32 [N, 3, H, W], sorted by name."""
        for _, image in read_archive(self.archive):
            yield preprocess(image, self.spec).repeat(self.spec.shape[0], axis=0)
