"""Folders that all tests of a session share, whichever worker of xdist they run on: each is made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The session's folder ``name``: the first worker that asks fills it by ``make(folder)``, the others wait for it.

    Tests only read it; one that changes something takes a copy.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder of its own below the session's
        base = base.parent
    folder, unfinished = base / name, base / f"{name}.unfinished"
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder
