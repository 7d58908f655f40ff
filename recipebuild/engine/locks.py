"""Locks between processes: a file under ``flock``, which the system drops when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def acquire(path: Path) -> int | None:
    """The descriptor that holds the lock on ``path``, or ``None`` while another process holds it.

    Raises:
        OSError: If the file cannot be made.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have removed the file after we opened it; the lock that counts is then on a new one.
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def release(lock: int, path: Path) -> None:
    """Give the lock back, and remove its file."""
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(lock)
