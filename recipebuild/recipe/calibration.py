"""``calibration``: the images on which the ranges of activations are measured."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from recipebuild.recipe.section import Count, Section, Seed, Text


class Calibration(Section):
    """The images on which the ranges of activations are measured."""

    source: Text = Field(
        default="",
        description="Folder of images, archive of images (tar, tar.gz, zip), or glob pattern such as "
        "images/**/*.jpg; optional only for models without an image and for quantized models "
        "(pulsar2.model_type)",
    )
    count: Count = Field(default=32, description="Number of images, or samples of tensors, to draw, 1 or more")
    select: Literal["random", "diverse"] = Field(
        default="random", description="Draw at random, or pick diverse images that cover the source"
    )
    seed: Seed = Field(default=0, description="Seed of the draw, 0 to 4294967295")
    format: Literal["Image", "Numpy", "Binary", "NumpyObject"] = Field(
        default="Image",
        description="Format for Pulsar2: original images, or preprocessed tensors as .npy files, raw .bin files, or "
        ".npy files of a dict",
    )

    @property
    def path(self) -> str:
        """The folder or archive, without the glob pattern."""
        return split_glob(self.source)[0]

    @property
    def pattern(self) -> str | None:
        """The glob pattern inside ``path``; ``None`` for everything."""
        return split_glob(self.source)[1]


def split_glob(source: str) -> tuple[str, str | None]:
    """Split ``/data/images/**/*.jpg`` into the folder ``/data/images`` and the pattern ``**/*.jpg`` (or ``None``)."""
    parts = PurePosixPath(source).parts
    fixed = next((i for i, part in enumerate(parts) if any(c in part for c in "*?[")), None)
    if fixed is None:
        return source, None
    return str(PurePosixPath(*parts[:fixed])), str(PurePosixPath(*parts[fixed:]))
