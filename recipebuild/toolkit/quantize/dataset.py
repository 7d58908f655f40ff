"""The calibration set as the model's inputs.   Use: ``for batch in CalibrationSet(archive, spec): ...``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.samples import count_samples, read_samples
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.spec import ImageSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Batch = npt.NDArray[np.float32]
    Feed = Mapping[str, npt.NDArray[Any]]


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
    """The calibration samples, read and preprocessed anew in each pass, so one is in memory at a time.

    Attributes:
        archive: The calibration archive of images; ``None`` for a model without an image, or without a calibration set:
            its one sample is noise.
        spec: What the model expects of an image, or ``None``; with N above 1, a batch repeats its image.
        samples: The archive of its other inputs; ``None`` for a model of one image alone.

    Raises:
        StepError: While going through it, if an archive is empty or damaged.
    """

    archive: Path | None
    spec: ImageSpec | None
    samples: Path | None = None

    @property
    def only_image(self) -> ImageSpec | None:
        """The image, if the model takes nothing else."""
        return self.spec if self.samples is None else None

    def __len__(self) -> int:
        """How many samples there are."""
        if self.samples is not None:
            return count_samples(self.samples)
        assert self.archive is not None, "a model takes something"  # noqa: S101
        with images(self.archive) as files:
            return len(files)

    def __iter__(self) -> Iterator[Batch | Feed]:
        """Each sample: of a model of one image that alone, float32 [N, 3, H, W], else arrays by the inputs' names."""
        for _, feed in self.named():
            yield feed[self.only_image.name] if self.only_image else feed

    def named(self) -> Iterator[tuple[str, Feed]]:
        """Each sample's name, which is that of its image, and arrays by the inputs' names."""
        if self.archive is None and self.samples is None and self.spec is not None:
            yield "noise", {self.spec.name: _noise(self.spec)}
            return
        tensors: Iterator[tuple[str, Feed]] = read_samples(self.samples) if self.samples else itertools.repeat(("", {}))
        if self.archive is None or self.spec is None:
            yield from tensors
            return
        for (name, image), (_, others) in zip(read_archive(self.archive), tensors, strict=False):
            batch = preprocess(image, self.spec).repeat(self.spec.shape[0], axis=0)
            yield name, {self.spec.name: batch, **others}


def _noise(spec: ImageSpec) -> Batch:
    """An image of random pixels, always the same, as the model takes it."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (*spec.shape[2:], 3), dtype=np.uint8)
    return preprocess(Image.fromarray(pixels), spec).repeat(spec.shape[0], axis=0)
