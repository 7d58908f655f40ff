"""What an image file is to the sources: a name, and a way to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from recipebuild.errors import StepError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
"""Names of image files end so, in small or capital letters."""

MAX_BYTES = 64 * 2**20
"""Largest file, in bytes."""

_MAX_STEM = 80
"""USTAR has room for names of 100 characters."""


@dataclass(frozen=True)
class ImageFile:
    """An image file that was found but not yet read.

    Attributes:
        name: Its path below the source, with ``/``.
        read: Gives its bytes, at most ``MAX_BYTES``; raises StepError with the file's name.
    """

    name: str
    read: Callable[[], bytes]


def is_hidden(name: str) -> bool:
    """Whether the path ``name`` is of a hidden file, or of what macOS hides in archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def is_image(name: str) -> bool:
    """Whether the path ``name`` looks like an image's; hidden files do not."""
    return not is_hidden(name) and name.lower().endswith(SUFFIXES)


def shown(name: str) -> str:
    """``name`` for a message: one line, whatever bytes a stranger put into it."""
    return "".join(character if character.isprintable() else "?" for character in name)


def flat_stem(path: str) -> str:
    """What a calibration archive calls an image, by its path below the source without suffix, where that is free."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", path)[-_MAX_STEM:]
    return re.sub(r"^\.", "_", stem)  # a name that begins with a dot would be a hidden file


def read_all(file: IO[bytes], name: str) -> bytes:
    """The rest of ``file``; the limit holds for the bytes that come, whatever size was declared.

    Raises:
        StepError: If there are more than ``MAX_BYTES``.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise StepError(f"{shown(name)}: larger than {MAX_BYTES >> 20} MiB", remedy="make the file smaller")
    return data
