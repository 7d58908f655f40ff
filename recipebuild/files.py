"""Files: written whole or not at all, and known by their content."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

SUMS = "SHA256SUMS"
"""The file that lists the digests of a folder's files, as ``sha256sum`` writes and reads it."""


def write_text(path: Path, text: str) -> None:
    """Write ``path`` so that nobody ever reads half of it: under a temporary name beside it, then renamed.

    Raises:
        OSError: If it cannot be written; what was there before is still there then.
    """
    write_bytes(path, text.encode())


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
