"""Files: written whole or not at all, known by their content, and listed without running in circles."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

SUMS = "SHA256SUMS"
"""The file that lists the digests of a folder's files, as ``sha256sum`` writes and reads it."""


def write_text(path: Path, text: str) -> None:
    r"""Write ``path`` so that nobody ever reads half of it: under a temporary name beside it, then renamed.

    In UTF-8; what a file name has that is none stands there as in JSON, ``\udcff``.

    Raises:
        OSError: If it cannot be written; what was there before is still there then.
    """
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """As ``write_text``, of bytes.

    Raises:
        OSError: If it cannot be written; what was there before is still there then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def digest_file(path: Path | str) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:  # noqa: PTH123 - called for every blob of a build
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Tree:
    """What lies below a folder, by names relative to it, with forward slashes, sorted folder by folder.

    Attributes:
        files: All that is no folder.
        circles: Links that lead back to a folder in which they are. They are left out: what is behind them has a name
            without them already, or is not below the folder at all.
    """

    files: list[str] = field(default_factory=list)
    circles: list[str] = field(default_factory=list)


def walk(root: Path) -> Tree:
    """List what lies below ``root``; folders that are missing or cannot be read count as empty."""
    tree = Tree()
    if not root.is_dir():
        return tree
    real = root.resolve()
    above = {str(root): frozenset(_identity(folder) for folder in (real, *real.parents))}
    for folder, folders, names in os.walk(root, followlinks=True):
        inside = above.pop(folder)
        prefix = "" if folder == str(root) else f"{Path(folder).relative_to(root).as_posix()}/"
        tree.files.extend(prefix + name for name in sorted(names))
        deeper = []
        for name in sorted(folders):
            path = os.path.join(folder, name)  # noqa: PTH118 - spelled as os.walk spells it
            this = _identity(path)
            if this in inside:
                tree.circles.append(prefix + name)
            else:
                above[path] = inside | {this}
                deeper.append(name)
        folders[:] = deeper
    return tree


def _identity(folder: Path | str) -> tuple[int, int]:
    state = os.stat(folder)  # noqa: PTH116 - called for every folder of a data set
    return state.st_dev, state.st_ino
