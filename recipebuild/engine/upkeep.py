"""Looking after a store: ``verify`` reads every byte of it, ``collect`` makes room, ``usage`` counts.

All three may run beside builds and beside each other: any file may come or go at any moment.

What is needed is never collected. Needed is: what the manifest of a build folder names (``roots.py``), and what was
used since the oldest process that is at work on the store began. Two things keep that true to the last moment:

- A run has its mark (``workspace.py``) before it looks anything up, and touches each record that it finds.
- A collector puts a file aside, under its name and ``.gone``, and looks again: if somebody has used it since it was
  chosen, it goes back. Whoever looked for it in that moment has missed it, and knows.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recipebuild.engine.locks import acquire, release
from recipebuild.engine.record import Blob, Record, read_record
from recipebuild.engine.roots import needed_keys
from recipebuild.engine.store import Store
from recipebuild.engine.workspace import sweep
from recipebuild.files import digest_file

_GONE = ".gone"

_POLL = 0.05
"""Seconds between looks at whether another collector is done."""


@dataclass(frozen=True)
class StoreVerdict:
    """What ``verify`` found.

    Attributes:
        blobs: How many blobs were read.
        bytes: How much that was.
        damaged: Names of blobs whose content is not what their name says; they were removed, so the next run that
            wants one builds it again.
        incomplete: Keys of records that name a blob which is missing or damaged, and of those that cannot be read.
        refused: Those of ``damaged`` that could not be removed: another user's, in a folder that does not allow it.
    """

    blobs: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def verify(store: Store) -> StoreVerdict:
    """Read every blob and compare it with its name; look for every blob that a record names."""
    verdict = _Verification(store)
    for path in _blob_paths(store):
        verdict.read(path.name)
    incomplete = sorted(path.stem for path in store.actions.glob("*.json") if not verdict.complete(path))
    sizes, damaged = verdict.sizes, sorted(verdict.damaged)
    return StoreVerdict(len(sizes) + len(damaged), sum(sizes.values()), damaged, incomplete, sorted(verdict.refused))


class _Verification:
    """What was read so far: the sizes of good blobs by name, and the names of others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.sizes: dict[str, int] = {}
        self.damaged: set[str] = set()
        self.refused: set[str] = set()

    def read(self, name: str) -> None:
        """Read a blob; one that is damaged is removed, one that has just gone is passed over."""
        path = self._store.blobs / name
        try:
            before = path.stat()
            if digest_file(path) == name:
                self.sizes[name] = before.st_size
                return
            self.damaged.add(name)
            if path.stat().st_ino == before.st_ino:  # nobody has brought a good one meanwhile
                path.unlink()
        except FileNotFoundError:
            pass
        except PermissionError:
            self.refused.add(name)

    def complete(self, path: Path) -> bool:
        """Whether the record at ``path`` can be used; also if it has just gone, and nobody will miss it."""
        try:
            record = read_record(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return True
        except (OSError, ValueError, KeyError, TypeError):
            return False
        for blob in _blobs(record):
            if blob.sha256 not in self.sizes and blob.sha256 not in self.damaged:
                self.read(blob.sha256)  # it came after the others were listed
        good = record.key == path.stem and all(self.sizes.get(b.sha256) == b.bytes for b in _blobs(record))
        return good or not path.exists()


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
    sizes = _sizes(store).values()
    summed = [{name: sum(them.values()) for name, them in sorted(by.items())} for by in (recipes, steps)]
    return Usage(len(records), len(sizes), sum(sizes), *summed)


@dataclass(frozen=True)
class Freed:
    """What ``collect`` removed: how many records and blobs, and how many bytes; ``kept_bytes`` is what is left.

    ``refused`` is how many files could not be removed: another user's, in a folder that does not allow it.
    """

    records: int = 0
    blobs: int = 0
    bytes: int = 0
    kept_bytes: int = 0
    refused: int = 0


def collect(store: Store, *, max_bytes: int | None = None, older_than: float | None = None) -> Freed:
    """Make room: remove records not used for long, then those used least recently, then blobs that no record names.

    Args:
        store: The store; it is closed at the end.
        max_bytes: How much may be left; what is needed stays even if that is more.
        older_than: Seconds since the last use, past which a record goes.

    Raises:
        RecipeError: If the store cannot be written.
    """
    if not store.root.is_dir():
        return Freed()
    _ = store.workspaces  # makes the store's folders
    place = store.root / "locks" / "collect"
    while (lock := acquire(place)) is None:  # one at a time: what another has put aside looks as if it were gone
        time.sleep(_POLL)
    try:
        return _collect(store, max_bytes, older_than)
    finally:
        release(lock, place)
        store.close()


def _collect(store: Store, max_bytes: int | None, older_than: float | None) -> Freed:
    # All times are the file system's: clocks of other machines, and this one's, may differ from it.
    clock = store.workspaces.file()
    clock.touch()
    now = clock.stat().st_mtime_ns
    busy_since = min(sweep(store.root / "tmp") or now, now)
    _put_back(store)
    needed = set(needed_keys(store))
    records = {record.key: record for record in reversed(store.records())}  # least recently used first
    named = Counter(blob.sha256 for record in records.values() for blob in {*_blobs(record)})
    sizes = _sizes(store)
    total = sum(sizes.get(name, 0) for name in named)
    gone, refused = [], 0
    for key, record in records.items():
        path = store.actions / f"{key}.json"
        try:
            last = path.stat().st_mtime_ns
            too_old = older_than is not None and now - last > older_than * 1e9
            too_much = max_bytes is not None and total > max_bytes
            if key in needed or last >= busy_since or not (too_old or too_much) or not _remove_record(path, last):
                continue
        except FileNotFoundError:
            continue
        except PermissionError:
            refused += 1
            continue
        gone.append(key)
        for blob in {*_blobs(record)}:
            named[blob.sha256] -= 1
            if not named[blob.sha256]:
                total -= sizes.get(blob.sha256, 0)
    _forget_code(store, {records[key].ingredients["code"] for key in records.keys() - gone}, busy_since)
    freed = []
    for name in sizes:
        try:
            if not named[name] and _remove_blob(store.blobs / name, busy_since):
                freed.append(name)
        except FileNotFoundError:
            pass
        except PermissionError:
            refused += 1
    freed_bytes = sum(sizes[name] for name in freed)
    return Freed(len(gone), len(freed), freed_bytes, sum(sizes.values()) - freed_bytes, refused)


def _blobs(record: Record) -> Iterable[Blob]:
    return *record.outputs, record.log


def _blob_paths(store: Store) -> Iterator[Path]:
    return (path for path in sorted(store.blobs.glob("*")) if re.fullmatch("[0-9a-f]{64}", path.name))


def _sizes(store: Store) -> dict[str, int]:
    """The sizes of all blobs, by name."""
    sizes = {}
    for path in _blob_paths(store):
        with contextlib.suppress(FileNotFoundError):
            sizes[path.name] = path.stat().st_size
    return sizes


def _put_back(store: Store) -> None:
    """Give what a collector that was killed had put aside its name again."""
    for folder, suffix in ((store.actions, ".json"), (store.blobs, "")):
        for aside in folder.glob(f"*{_GONE}"):
            with contextlib.suppress(OSError):
                path = aside.with_suffix(suffix)
                if path.exists():  # it was built again
                    aside.unlink()
                else:
                    aside.rename(path)


def _remove_record(path: Path, last_use: int) -> bool:
    """Remove a record unless somebody has used it since ``last_use``."""
    aside = path.with_suffix(_GONE)
    path.rename(aside)
    if aside.stat().st_mtime_ns != last_use:
        aside.rename(path)
        return False
    aside.unlink()
    return True


def _remove_blob(path: Path, busy_since: int) -> bool:
    """Remove a blob that no record names, unless it is so new, or was claimed so lately, that one may be on the way."""
    before = path.stat()
    if before.st_ctime_ns >= busy_since:
        return False
    aside = path.with_suffix(_GONE)
    path.rename(aside)
    after = aside.stat()
    if (after.st_ino, after.st_atime_ns) != (before.st_ino, before.st_atime_ns):
        aside.rename(path)
        return False
    aside.unlink()
    return True


def _forget_code(store: Store, named: set[str], busy_since: int) -> None:
    """Remove the code notes that no record names, but those so new that one may be on the way."""
    for path in store.code.glob("*.json"):
        with contextlib.suppress(OSError):
            if path.stem not in named and path.stat().st_mtime_ns < busy_since:
                path.unlink()
