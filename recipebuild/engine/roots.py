"""Which build folders need what is in a store: a file under ``roots/`` for each, written by its runs.

Whether a build folder is still there, and what it needs now, its manifest says. Where that cannot be read, as it is
another user's or on another machine, what its last run noted holds for some time.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recipebuild.engine.digest import canonical_json, digest_json
from recipebuild.engine.sharing import make_folder, open_like
from recipebuild.engine.store import Store

_TRUSTED = 30 * 86_400
"""Seconds for which a note on a folder holds that cannot be looked at."""


def add_root(store: Store, manifest: Path, keys: Iterable[str]) -> None:
    """Note that the records under ``keys`` are needed for as long as ``manifest``, which names them, is there."""
    host = os.uname().nodename
    text = canonical_json({"manifest": str(manifest), "host": host, "keys": sorted(set(keys))})
    root = store.root / "roots" / digest_json([host, str(manifest)])[:16]
    with contextlib.suppress(OSError):  # a store that cannot be written cannot be collected either
        if root.exists() and root.read_text(encoding="utf-8") == text:
            return
        make_folder(root.parent, store.root)
        temporary = root.with_name(f".{root.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        open_like(temporary, store.root)
        temporary.replace(root)


def needed_keys(store: Store) -> Iterator[str]:
    """The keys of all records that build folders need; notes on folders that are gone are removed."""
    for root in store.root.glob("roots/[!.]*"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            text = root.read_text(encoding="utf-8")
            if text.startswith("/"):  # a path alone is what version 0.1 wrote
                note: dict[str, Any] = {"manifest": text, "host": os.uname().nodename, "keys": []}
            else:
                note = json.loads(text)
            yield from _keys(root, Path(note["manifest"]), note["host"] == os.uname().nodename, note["keys"])


def _keys(root: Path, manifest: Path, here: bool, noted: list[str]) -> Iterator[str]:
    try:
        if here:
            steps = json.loads(manifest.read_text(encoding="utf-8"))["steps"]
            yield from (step["key"] for step in steps if step["key"])
            return
    except FileNotFoundError:
        root.unlink(missing_ok=True)
        return
    except PermissionError:
        pass
    if time.time() - root.stat().st_mtime < _TRUSTED:
        yield from noted
    else:
        root.unlink(missing_ok=True)
