"""Permissions of a store that several users share: what is in it is as open as its own folder.

Whatever the umask of whoever writes: in a folder with mode 2775, folders get 2775 and files 664; with 700, 700 and 600.
Blobs are the exception, read-only for all.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def make_folder(folder: Path, like: Path) -> None:
    """Make ``folder`` as open as the folder ``like``; nothing if it is there.

    Raises:
        OSError: If it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        open_like(folder, like)


def open_like(path: Path | int, like: Path) -> None:
    """Make a file (or the one behind a descriptor) or a folder as open as the folder ``like``, if it is ours."""
    with contextlib.suppress(OSError):  # another user's, or a file system without permissions
        state, wanted = os.stat(path), stat.S_IMODE(like.stat().st_mode)  # noqa: PTH116 - of descriptors, too
        if not stat.S_ISDIR(state.st_mode):
            wanted &= 0o666
        if stat.S_IMODE(state.st_mode) != wanted:
            os.chmod(path, wanted)  # noqa: PTH101 - same
