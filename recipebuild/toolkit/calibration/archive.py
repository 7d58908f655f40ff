"""Calibration archives: a fixed draw of checked images in a tar whose bytes depend on nothing but them.

Use: ``write_archive(sample(found, 32, seed=0), tar)``, later ``for name, image in read_archive(tar)``.
"""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.imagefile import ImageFile, flat_stem
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.calibration.survey import ImageFacts, survey

if TYPE_CHECKING:
    from PIL import Image

_LISTED = 10


def sample(files: Sequence[ImageFile], count: int, seed: int) -> list[ImageFile]:
    """``count`` of the images, or all if there are fewer, sorted by name; which ones, ``seed`` alone decides."""
    by_name = sorted(files, key=lambda image: image.name)
    if count < len(by_name):
        by_name = random.Random(seed).sample(by_name, count)  # noqa: S311 - a draw that can be repeated, not a secret
    return sorted(by_name, key=lambda image: image.name)


def write_archive(
    chosen: Sequence[ImageFile], path: Path, on_image: Callable[[int], None] = lambda _: None
) -> list[ImageFacts]:
    """Decode every image and write all their files, byte for byte, to a tar; give the facts of each.

    The tar has plain file names without folders, sorted, and neither times nor owners: same images, same bytes.
    ``on_image`` is told how many are done.

    Raises:
        StepError: If any image cannot be read or decoded; the first ten are named, and no tar is left.
    """
    facts, broken = [], []
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for done, (name, image) in enumerate(sorted(flat_names(chosen).items()), 1):
            try:
                data = image.read()
                facts.append(survey(name, data, decode(data, image.name)))
            except StepError as error:
                broken.append(error.message)
            else:
                entry = tarfile.TarInfo(name)  # of itself: mode 0644, time 0, owner 0 without a name
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
            on_image(done)
    if broken:
        path.unlink()
        more = f"; and {len(broken) - _LISTED} more" if len(broken) > _LISTED else ""
        raise StepError(
            f"{len(broken)} of {len(chosen)} images cannot be used: {'; '.join(broken[:_LISTED])}{more}",
            remedy="replace or remove these files",
        )
    return facts


def read_archive(path: Path) -> Iterator[tuple[str, Image.Image]]:
    """The names and decoded images of a calibration archive, sorted by name, one in memory at a time.

    Raises:
        StepError: If the archive, or an image in it, is damaged.
    """
    with images(path) as files:
        for image in files:
            yield image.name, decode(image.read(), image.name)


def flat_names(chosen: Sequence[ImageFile]) -> dict[str, ImageFile]:
    """Each image under a name of letters, digits and ``._-`` that no other has, whatever the case."""
    flat: dict[str, ImageFile] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for image in chosen:
        path, _, suffix = image.name.rpartition(".")
        stem = flat_stem(path)
        wanted = name = f"{stem}.{suffix}"
        number = numbers.get(wanted.lower(), 1)
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}.{suffix}"
        numbers[wanted.lower()] = number
        taken.add(name.lower())
        flat[name] = image
    return flat
