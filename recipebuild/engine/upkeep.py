"""Looking after a store: ``verify`` reads every byte of it, ``collect`` makes room, ``usage`` counts.

What is needed is never collected. Needed is: what the manifest of a build folder names (each run leaves the folder's
place under ``roots/``), and what was used since the oldest process that is at work on the store began.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recipebuild.engine.digest import digest_json
from recipebuild.engine.record import Blob, Record
from recipebuild.engine.store import Store
from recipebuild.engine.workspace import oldest_owner, sweep
from recipebuild.files import digest_file


@dataclass(frozen=True)
class Verdict:
    """What ``verify`` found.

    Attributes:
        blobs: How many blobs were read.
        bytes: How much that was.
        damaged: Names of blobs whose content is not what their name says; they were removed, so the next run that
            wants one builds it again.
        incomplete: Keys of records that name a blob which is missing or damaged, and of those that cannot be read.
    """

    blobs: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)


def verify(store: Store) -> Verdict:
    """Read every blob and compare it with its name; look for every blob that a record names."""
    sizes: dict[str, int] = {}
    damaged = []
    for path in sorted(store.blobs.glob("*")):
        if digest_file(path) == path.name:
            sizes[path.name] = path.stat().st_size
        else:
            damaged.append(path.name)
            with contextlib.suppress(OSError):
                path.unlink()
    good = {record.key for record in store.records() if all(sizes.get(b.sha256) == b.bytes for b in _blobs(record))}
    incomplete = sorted(path.stem for path in store.actions.glob("*.json") if path.stem not in good)
    return Verdict(len(sizes) + len(damaged), sum(sizes.values()), damaged, incomplete)


@dataclass(frozen=True)
class Usage:
    """How much the store holds.

    Attributes:
        records: How many records.
        blobs: How many blobs.
        bytes: Their size; each counts once, however many records name it.
        by_recipe: Bytes that records of each recipe name.
        by_step: Bytes that records of each step name.
    """

    records: int
    blobs: int
    bytes: int
    by_recipe: dict[str, int]
    by_step: dict[str, int]


def usage(store: Store) -> Usage:
    """Count what the store holds."""
    recipes: dict[str, dict[str, int]] = defaultdict(dict)
    steps: dict[str, dict[str, int]] = defaultdict(dict)
    records = store.records()
    for record in records:
        recipe, _, step = record.label.rpartition("/")
        for blob in _blobs(record):
            recipes[recipe][blob.sha256] = steps[step][blob.sha256] = blob.bytes
    sizes = [path.stat().st_size for path in store.blobs.glob("*")]
    summed = [{name: sum(them.values()) for name, them in sorted(by.items())} for by in (recipes, steps)]
    return Usage(len(records), len(sizes), sum(sizes), *summed)


@dataclass(frozen=True)
class Freed:
    """What ``collect`` removed: how many records and blobs, and how many bytes; ``kept_bytes`` is what is left."""

    records: int
    blobs: int
    bytes: int
    kept_bytes: int


def collect(store: Store, *, max_bytes: int | None = None, older_than: float | None = None) -> Freed:
    """Make room: remove records not used for long, then those used least recently, then blobs that no record names.

    Args:
        store: The store.
        max_bytes: How much may be left; what is needed stays even if that is more.
        older_than: Seconds since the last use, past which a record goes.

    Raises:
        OSError: If the store cannot be written.
    """
    sweep(store.root / "tmp")
    now = time.time()
    busy_since = oldest_owner(store.root / "tmp", default=now)
    needed = set(_needed_keys(store))
    records = {record.key: record for record in reversed(store.records())}  # least recently used first
    named = Counter(blob.sha256 for record in records.values() for blob in {*_blobs(record)})
    sizes = {path.name: path.stat().st_size for path in store.blobs.glob("*")}
    total = sum(sizes.get(name, 0) for name in named)
    gone = []
    for key, record in records.items():
        last = _last_use(store, key)
        too_old = older_than is not None and now - last > older_than
        too_much = max_bytes is not None and total > max_bytes
        if key in needed or last >= busy_since or not (too_old or too_much) or not _remove(store, key, last):
            continue
        gone.append(key)
        for blob in {*_blobs(record)}:
            named[blob.sha256] -= 1
            if not named[blob.sha256]:
                total -= sizes.get(blob.sha256, 0)
    _forget_code(store, {records[key].ingredients["code"] for key in records.keys() - gone})
    freed = [name for name in sizes if not named[name] and _remove_blob(store, name, busy_since)]
    freed_bytes = sum(sizes[name] for name in freed)
    return Freed(len(gone), len(freed), freed_bytes, sum(sizes.values()) - freed_bytes)


def add_root(store: Store, manifest: Path) -> None:
    """Note that what ``manifest`` names is needed for as long as that file is there."""
    with contextlib.suppress(OSError):  # a store that cannot be written cannot be collected either
        root = store.root / "roots" / digest_json(str(manifest))[:16]
        if not root.exists():
            root.parent.mkdir(exist_ok=True)
            root.write_text(str(manifest), encoding="utf-8")


def _needed_keys(store: Store) -> Iterator[str]:
    for root in store.root.glob("roots/*"):
        try:
            manifest = json.loads(Path(root.read_text(encoding="utf-8")).read_text(encoding="utf-8"))
            yield from (step["key"] for step in manifest["steps"] if step["key"])
        except FileNotFoundError:
            root.unlink(missing_ok=True)
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _blobs(record: Record) -> Iterable[Blob]:
    return *record.outputs, record.log


def _last_use(store: Store, key: str) -> float:
    return (store.actions / f"{key}.json").stat().st_mtime


def _remove(store: Store, key: str, last_use: float) -> bool:
    """Remove a record unless somebody has used it since ``last_use``."""
    path = store.actions / f"{key}.json"
    aside = path.with_suffix(".gone")
    path.rename(aside)
    if aside.stat().st_mtime != last_use:
        aside.rename(path)
        return False
    aside.unlink()
    return True


def _forget_code(store: Store, named: set[str]) -> None:
    """Remove the code notes that no record names."""
    for path in store.code.glob("*.json"):
        if path.stem not in named:
            path.unlink(missing_ok=True)


def _remove_blob(store: Store, name: str, busy_since: float) -> bool:
    """Remove a blob that no record names, unless it is so new that its record may be on the way."""
    path = store.blobs / name
    if path.stat().st_ctime >= busy_since:
        return False
    os.unlink(path)  # noqa: PTH108 - a blob is read-only; its folder is not
    return True
