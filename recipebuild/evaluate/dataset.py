"""Labelled images: a folder with ``images/`` and ``labels/``, files of the same name but for the suffix.

Use: ``for sample in samples(folder): image, label = read(sample, classes=19)``. A label is a PNG with one channel,
whose values (the indices, if it has a palette) are class ids; 255 marks pixels that do not count.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.calibration.decode import decode
from recipebuild.calibration.imagefile import ImageFile, shown
from recipebuild.calibration.source import folder_images
from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

IGNORE = 255
_NAMED = 3


@dataclass(frozen=True)
class Sample:
    """An image and its label.

    Attributes:
        name: What both files are called, without suffix.
        image: The image's file, below ``images/``.
        label: The label's file, below ``labels/``.
    """

    name: str
    image: ImageFile
    label: ImageFile


def samples(folder: Path, count: int | None = None, seed: int = 0) -> list[Sample]:
    """The labelled images in ``folder``, or ``count`` of them drawn with ``seed``, sorted by name.

    Raises:
        StepError: If there is none, if an image has no label or a label no image, or if two images have one name.
    """
    pictures = _by_stem(folder / "images")
    labels = {stem: file for stem, file in _by_stem(folder / "labels").items() if file.name.lower().endswith(".png")}
    _check_partners("images/", pictures, "label in labels/", labels)
    _check_partners("labels/", labels, "image in images/", pictures)
    if not pictures:
        raise StepError(
            f"the dataset {folder} is empty", remedy="it needs images/ and, with PNGs of class ids, labels/"
        )
    names = sorted(pictures)
    if count is not None and count < len(names):
        names = sorted(random.Random(seed).sample(names, count))  # noqa: S311 - a draw that can be repeated, not a secret
    return [Sample(name, pictures[name], labels[name]) for name in names]


def read(sample: Sample, classes: int) -> tuple[Image.Image, npt.NDArray[np.uint8]]:
    """The decoded image, and its label: uint8 ``[H, W]`` of the image's size, values below ``classes`` or ``IGNORE``.

    Raises:
        StepError: If either cannot be decoded, if the sizes differ, or if the label has an id out of range.
    """
    image = decode(sample.image.read(), f"images/{sample.image.name}")
    label = read_label(sample, classes)
    if label.shape != (image.height, image.width):
        sizes = f"{label.shape[1]}x{label.shape[0]}, but its image is {image.width}x{image.height}"
        raise StepError(f"{_label_name(sample)} is {sizes}", remedy="a label has one pixel for each of its image's")
    return image, label


def read_label(sample: Sample, classes: int) -> npt.NDArray[np.uint8]:
    """The label of ``sample`` alone: uint8 ``[H, W]``, values below ``classes`` or ``IGNORE``.

    Raises:
        StepError: If it cannot be decoded, is no PNG with one channel, or has an id out of range.
    """
    import numpy as np

    name = _label_name(sample)
    data = sample.label.read()
    image = decode(data, name)
    if image.format != "PNG" or image.mode not in ("L", "P", "1", "I;16"):
        raise StepError(
            f"{name} is a {image.format} image of mode {image.mode}",
            remedy="a label is a PNG with one channel of class ids (not one of colours)",
        )
    ids = np.asarray(image)
    if image.mode == "L":
        depth = data[24]  # of the PNG header; PIL stretches the values of 2 and 4 bits to 0..255
        ids = ids // (255 // (2 ** min(depth, 8) - 1))
    found = np.unique(ids)
    wrong = found[(found >= classes) & (found != IGNORE)]
    if wrong.size:
        raise StepError(
            f"{name} has class id {wrong[0]}, but the {classes} classes are 0..{classes - 1} (and {IGNORE} to ignore)",
            remedy="give the labels the model's own class ids (for Cityscapes, trainIds)",
        )
    return ids.astype(np.uint8)


def _label_name(sample: Sample) -> str:
    return f"labels/{shown(sample.label.name)}"


def _by_stem(folder: Path) -> dict[str, ImageFile]:
    found: dict[str, ImageFile] = {}
    for file in sorted(folder_images(folder), key=lambda file: file.name):
        other = found.setdefault(file.name.rpartition(".")[0], file)
        if other is not file:
            both = f"{shown(other.name)} and {shown(file.name)}"
            raise StepError(f"{both} in {folder} have the same name but for the suffix", remedy="rename or remove one")
    return found


def _check_partners(folder: str, files: dict[str, ImageFile], partner: str, partners: dict[str, ImageFile]) -> None:
    alone = [f"{folder}{shown(file.name)}" for stem, file in files.items() if stem not in partners]
    if alone:
        more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
        raise StepError(
            f"no {partner} for {', '.join(alone[:_NAMED])}{more}",
            remedy="an image and its label have the same name but for the suffix",
        )
