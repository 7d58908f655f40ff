"""Locks between processes: a file under ``flock``, which the system drops when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from recipebuild.engine.sharing import open_like


def acquire(path: Path) -> int | None:
    """The descriptor that holds the lock on ``path``, or ``None`` while another process holds it.

    Raises:
        OSError: If the file cannot be made, or opened.
    """
    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have removed the file after we opened it; the lock that counts is then on a new one.
        if os.stat(path).st_ino == os.fstat(lock).st_ino:  # noqa: PTH116 - hot
            return lock
    except (BlockingIOError, FileNotFoundError):  # held by another, or just given back
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _open(path: Path) -> int:
    """A descriptor of the lock file at ``path``, which is made when missing, as open as the folder that it is in."""
    while True:
        # Not with O_CREAT in one: of another user's file in a sticky folder that is refused (fs.protected_regular).
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            pass
        except PermissionError:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # enough for a lock, except on NFS
        with contextlib.suppress(FileExistsError):
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            open_like(lock, path.parent)
            return lock


def release(lock: int, path: Path) -> None:
    """Give the lock back, and remove its file."""
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(lock)
