"""Putting the store's files into a folder under names for people.

A reflink is best: it costs nothing and cannot harm the store. A hard link costs nothing either, and its file is
read-only; but root writes to read-only files, so as root, and across file systems, it is a copy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from pathlib import Path

from recipebuild.engine.record import Blob
from recipebuild.engine.store import Store
from recipebuild.files import digest_file

_FICLONE = 0x40049409  # linux/fs.h


def materialize(store: Store, blob: Blob, place: str) -> None:
    """Make the file at ``place`` hold the blob's content, and touch nothing if it does already.

    Raises:
        OSError: If it cannot be written.
    """
    if _holds(store, blob, place):
        return
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _bring(store.path(blob), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _holds(store: Store, blob: Blob, place: str) -> bool:
    # Called for every file of a build whose steps are all cached: strings, as paths cost three times as much.
    try:
        state = os.lstat(place)
        if not stat.S_ISREG(state.st_mode) or state.st_size != blob.bytes:
            return False
        if state.st_nlink > 1:
            original = os.stat(f"{store.blobs}/{blob.sha256}")  # noqa: PTH116
            if (state.st_ino, state.st_dev) == (original.st_ino, original.st_dev):
                return os.geteuid() != 0
        return store.stats.get(place, "sha256", lambda: digest_file(place)) == blob.sha256
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
