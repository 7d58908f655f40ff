"""Folders in which steps run, inside the store and on its file system, so that results move by renaming.

A process owns one folder under ``tmp/`` for as long as it holds the lock on the file beside it. The system drops that
lock when the process dies, however it dies; whoever comes next sees it and sweeps the folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from pathlib import Path

from recipebuild.engine.locks import acquire, release


class Workspaces:
    """The folder of this process under ``root``, and in it one new folder or file for each who asks.

    Args:
        root: The store's ``tmp`` folder; made when missing, swept of what dead processes left.

    Raises:
        OSError: If it cannot be written.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        sweep(root)
        self._names = itertools.count()
        self._spare: list[Path] = []
        self._lock, self.folder = _claim(root)

    def new(self) -> Path:
        """A folder for one step; what is in it, if anything, are the empty folders of an earlier one."""
        if self._spare:
            return self._spare.pop()
        folder = self.folder / str(next(self._names))
        folder.mkdir()
        return folder

    def give_back(self, folder: Path) -> None:
        """Take back a folder with no files in it, for another step: making and removing folders is slow."""
        self._spare.append(folder)

    def file(self) -> Path:
        """A name for a new file, not made yet."""
        return self.folder / str(next(self._names))

    def close(self) -> None:
        """Remove the folder and all in it."""
        remove(self.folder)
        release(self._lock, self.folder.with_suffix(".lock"))


def sweep(root: Path) -> int:
    """Remove the folders under ``root`` whose owners are dead.

    Returns:
        How many there were.
    """
    swept = 0
    for path in root.glob("*.lock"):
        with contextlib.suppress(OSError):
            lock = acquire(path)
            if lock is not None:
                remove(path.with_suffix(""))
                release(lock, path)
                swept += 1
    return swept


def oldest_owner(root: Path, default: float) -> float:
    """When the oldest living owner of a folder under ``root`` began, in seconds since the epoch."""
    began = []
    for path in root.glob("*.lock"):
        with contextlib.suppress(OSError):
            began.append(path.stat().st_mtime)
    return min(began, default=default)


def _claim(root: Path) -> tuple[int, Path]:
    """A new folder under ``root``, and the lock on it."""
    while True:
        folder = root / f"{os.getpid()}-{secrets.token_hex(4)}"
        lock = acquire(folder.with_suffix(".lock"))
        if lock is not None:  # a sweeper may be quicker, and takes the lock for a dead one's
            folder.mkdir()
            return lock, folder


def remove(folder: Path) -> None:
    """Remove ``folder`` and all in it, as far as that is allowed."""
    shutil.rmtree(folder, ignore_errors=True)


def fsync_path(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
