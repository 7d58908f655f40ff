"""The store, the hub's cache, and this machine's cores and memory."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from recipebuild.report.units import size
from recipebuild.session import default_jobs
from recipebuild.toolkit.board.doctor import Line

LOW = 4 << 30
"""Bytes of free disk under which a build of a large model may fill it."""
LEAST = 256 << 20
"""Bytes without which not even a small build can end."""
SLOW = 20e6
"""Bytes a second under which the store is what one waits for."""

_PROBE = 16 << 20


def store(root: Path) -> Line:
    """Whether the store can be written, what it holds, how much room there is and how fast its disk is."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        speed = _speed(root / f".probe.{os.getpid()}")
    except OSError as error:
        why = f"{root} cannot be written: {error.strerror}"
        return Line("store", "fail", why, "use another folder: --store DIR, or export XDG_CACHE_HOME=DIR")
    held = _bytes(root / "blobs")
    free = shutil.disk_usage(root).free
    text = f"{root}: {size(held)} in it, {size(free)} free, written at {size(speed)}/s"
    if free < LEAST:
        return Line(
            "store", "fail", text, "make room: recipebuild cache gc --max-size 5GB, or use another: --store DIR"
        )
    if free < LOW:
        return Line("store", "warn", text, "large models need more: recipebuild cache gc --max-size 5GB")
    if speed < SLOW:
        return Line("store", "warn", text, "put it on a disk of this machine, not on a network share: --store DIR")
    return Line("store", "ok", text)


def machine() -> Line:
    """Cores and memory, and what builds make of them."""
    cores, memory = len(os.sched_getaffinity(0)), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    jobs = default_jobs()
    text = f"{cores} cores, {size(memory)} of memory, runs {jobs} step{'s' if jobs > 1 else ''} at once"
    low = memory < LOW
    remedy = "models of hundreds of millions of parameters need more; -j 1 for one step at a time"
    return Line("machine", "warn" if low else "ok", text, remedy if low else "")


def _speed(probe: Path) -> int:
    """Bytes a second that reach the disk."""
    block = os.urandom(1 << 20)
    began = time.perf_counter()
    try:
        with probe.open("wb") as file:
            for _ in range(_PROBE >> 20):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        return int(_PROBE / max(time.perf_counter() - began, 1e-6))
    finally:
        probe.unlink(missing_ok=True)


def _bytes(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries)
