"""Who is at work on a store, and the folders in which steps run: inside it, so that results move by renaming.

A process that is at work has a mark: it holds the lock on a file under ``tmp/``, whose time says since when. The system
drops that lock when the process dies, however it dies. What the process writes is in the folder beside its mark;
whoever comes next sees that a mark is a dead one's, and sweeps the folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from pathlib import Path

from recipebuild.engine.locks import acquire, release
from recipebuild.engine.sharing import open_like


class Mark:
    """That this process is at work, until it is released or the process ends.

    Args:
        root: The store's ``tmp`` folder.

    Raises:
        OSError: If it is missing or cannot be written.
    """

    def __init__(self, root: Path) -> None:
        lock = None
        while lock is None:  # a sweeper may be quicker, and takes the new file for a dead one's
            self.path = root / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
            lock = acquire(self.path)
        self._lock = lock

    def release(self) -> None:
        """Take it back."""
        release(self._lock, self.path)


class Workspaces:
    """The folder beside a mark, and in it one new folder or file for each who asks.

    Args:
        mark: This process's; what dead processes left beside theirs is swept.

    Raises:
        OSError: If it cannot be written.
    """

    def __init__(self, mark: Mark) -> None:
        sweep(mark.path.parent)
        self._names = itertools.count()
        self._spare: list[Path] = []
        self.folder = mark.path.with_suffix("")
        self.folder.mkdir()
        open_like(self.folder, mark.path.parent)

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


def sweep(root: Path) -> int | None:
    """Remove the folders under ``root`` whose owners are dead.

    Returns:
        When the oldest of the living began, by the file system's clock in nanoseconds; ``None`` if there is none.
    """
    began = []
    for path in root.glob("*.lock"):
        with contextlib.suppress(OSError):  # it has just gone
            since = path.stat().st_mtime_ns
            try:
                lock = acquire(path)
            except PermissionError:
                lock = None
            if lock is None:
                began.append(since)
                continue
            remove(path.with_suffix(""))
            if path.with_suffix("").exists():  # some of it is another user's, whose next sweep must know of it
                os.close(lock)
            else:
                release(lock, path)
    return min(began, default=None)


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
