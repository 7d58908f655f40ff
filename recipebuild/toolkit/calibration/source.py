"""Where images come from: a folder, a glob pattern inside one, or an archive (tar, tar.gz, zip).

Use: ``with images(path, pattern) as found: data = found[0].read()``.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.files import walk
from recipebuild.toolkit.calibration.imagefile import SUFFIXES, ImageFile, is_image, read_all, shown
from recipebuild.toolkit.calibration.unpack import members

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def images(source: Path, pattern: str | None = None) -> Iterator[list[ImageFile]]:
    """The image files in ``source``, sorted by name; they can be read until the context ends.

    Files are taken by their suffix, from all folders below; hidden files and folders are not looked at.

    Args:
        source: A folder, or an archive, whose kind is told by its content.
        pattern: Glob pattern inside the folder, such as ``**/left/*.png``; ``None`` for everything.

    Raises:
        StepError: If there is no image, or if the archive is damaged, over a limit or suspicious.
    """
    with contextlib.ExitStack() as open_files:
        if source.is_dir():
            files = folder_images(source, pattern)
        elif pattern is not None:
            raise StepError(f"{source} is not a folder", remedy="a pattern selects files in a folder")
        else:
            files = members(source, open_files)
        if not files:
            what = f"no image matches {pattern!r}" if pattern else "there is no image"
            raise StepError(f"{what} in {source}", remedy=f"images are files named {', '.join(SUFFIXES)}")
        yield sorted(files, key=lambda image: image.name)


def folder_images(folder: Path, pattern: str | None = None) -> list[ImageFile]:
    """The image files below ``folder``, in no particular order; none is not an error.

    Links to other folders are followed, except those that lead in circles.

    Raises:
        StepError: If ``pattern`` leads out of the folder.
    """
    if pattern and (pattern.startswith("/") or ".." in pattern.split("/")):
        raise StepError(f"the pattern {pattern!r} leaves its folder", remedy="name the folder to look in, without ..")
    tree = walk(folder)
    for link in tree.circles:
        logger.warning("RB214 %s leads back to a folder that it is in, and is skipped", folder / link)
    wanted = [part for part in (pattern or "**/*").split("/") if part not in ("", ".")]
    return [
        ImageFile(name, partial(read_file, folder / name, name))
        for name in tree.files
        if is_image(name) and _matches(name.split("/"), wanted) and (folder / name).is_file()
    ]


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path fits a glob pattern, both given part by part; hidden names fit only what begins with a dot."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        deeper = bool(parts) and not parts[0].startswith(".") and _matches(parts[1:], pattern)
        return deeper or _matches(parts, pattern[1:])
    if not parts or (parts[0].startswith(".") and not pattern[0].startswith(".")):
        return False
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def read_file(path: Path, name: str) -> bytes:
    """The bytes of the file at ``path``, which messages call ``name``.

    Raises:
        StepError: If it cannot be read, or is larger than an image may be.
    """
    try:
        with path.open("rb") as file:
            return read_all(file, name)
    except OSError as error:
        raise StepError(f"{shown(name)}: {error.strerror}", remedy="make the file readable") from error
