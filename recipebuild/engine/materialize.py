"""Putting the store's files into a folder under names for people.

A reflink is best: it costs nothing and cannot harm the store. A hard link costs nothing either, and its file is
read-only; but root writes to read-only files, so as root, and across file systems, it is a copy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from recipebuild.engine.digest import digest_file
from recipebuild.engine.store import Blob, Store

_FICLONE = 0x40049409  # linux/fs.h


def materialize(store: Store, blob: Blob, path: Path) -> None:
    """Make ``path`` hold the blob's content, and touch nothing if it does already.

    Raises:
        OSError: If it cannot be written.
    """
    if _holds(store, blob, path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _bring(store.path(blob), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _holds(store: Store, blob: Blob, path: Path) -> bool:
    try:
        state = path.stat()
        if path.is_symlink() or state.st_size != blob.bytes:
            return False
        original = store.path(blob).stat()
        if (state.st_ino, state.st_dev) == (original.st_ino, original.st_dev):
            return os.geteuid() != 0
        return store.stats.get(path, "sha256", lambda: digest_file(path)) == blob.sha256
    except OSError:
        return False


def _bring(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError), source.open("rb") as original, target.open("wb") as copy:
        fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
        return
    target.unlink(missing_ok=True)
    if os.geteuid() != 0:
        with contextlib.suppress(OSError):
            target.hardlink_to(source)
            return
    shutil.copyfile(source, target)
