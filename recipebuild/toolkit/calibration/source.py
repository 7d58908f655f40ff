"""Where images come from: a folder, a glob pattern inside one, or an archive (tar, tar.gz, zip).

Use: ``with images(path, pattern) as found: data = found[0].read()``.
"""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.imagefile import SUFFIXES, ImageFile, is_image, read_all, shown
from recipebuild.toolkit.calibration.unpack import members


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
            found = folder_images(source, pattern)
        elif pattern is not None:
            raise StepError(f"{source} is not a folder", remedy="a pattern selects files in a folder")
        else:
            found = members(source, open_files)
        if not found:
            what = f"no image matches {pattern!r}" if pattern else "there is no image"
            raise StepError(f"{what} in {source}", remedy=f"images are files named {', '.join(SUFFIXES)}")
        yield sorted(found, key=lambda image: image.name)


def folder_images(folder: Path, pattern: str | None = None) -> list[ImageFile]:
    """The image files below ``folder``, in no particular order; none is not an error.

    Raises:
        StepError: If ``pattern`` leads out of the folder.
    """
    if pattern and (pattern.startswith("/") or ".." in pattern.split("/")):
        raise StepError(f"the pattern {pattern!r} leaves its folder", remedy="name the folder to look in, without ..")
    # Unlike Path.glob, this goes into linked folders in every version of Python, and skips hidden files.
    names = glob.glob(pattern or "**/*", root_dir=folder, recursive=True)  # noqa: PTH207 - see above
    return [
        ImageFile(name, partial(read_file, folder / name, name))
        for name in set(names)
        if is_image(name) and (folder / name).is_file()
    ]


def read_file(path: Path, name: str) -> bytes:
    """The bytes of the file at ``path``, which messages call ``name``.

    Raises:
        StepError: If it cannot be read, or is larger than an image may be.
    """
    try:
        with path.open("rb") as file:
            return read_all(file, name)
    except OSError as error:
        raise StepError(f"{shown(name)}: {error.strerror}", remedy="see that the file can be read") from error
