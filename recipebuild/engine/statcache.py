"""What was once computed from a file's content, remembered until the file changes.

Two things are remembered here: a file's sha256, and the normalized digest of a Python module. An entry holds as long as
the file's path, size, mtime, ctime and inode do. It is a cache and nothing more: if the database cannot be opened,
written or read, everything is computed anew and no build fails.

A file that was modified within its own timestamp's resolution of the moment when we looked could change again without a
visible trace, so it is never entered ("racy git" problem, Git documentation, racy-git).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

_FINE_NS = 20_000_000  # kernels stamp by the tick: at most 10 ms apart on Linux; twice that to be sure
_COARSE_NS = 2_000_000_000  # FAT and some network file systems keep even seconds

_TABLE = """CREATE TABLE IF NOT EXISTS entries (
    path TEXT, kind TEXT, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, value TEXT,
    PRIMARY KEY (path, kind)) WITHOUT ROWID"""


class StatCache:
    """Values computed from files' content, by (path, kind).

    Args:
        path: The SQLite file; made when missing. ``None`` remembers in memory only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._pending: dict[tuple[str, str], tuple[os.stat_result, str]] = {}
        self._names: dict[str, tuple[tuple[int, int, int, int], list[str]]] = {}
        self._ahead: dict[tuple[str, str], tuple[int, int, int, int, str]] = {}

    def get(self, path: Path | str, kind: str, compute: Callable[[], str]) -> str:
        """The value of ``kind`` for the file at ``path``: remembered, or computed and remembered.

        Raises:
            OSError: If the file cannot be read.
        """
        began = time.time_ns()
        state = os.stat(path)  # noqa: PTH116 - called for every blob of a build
        name = _text(_absolute(path))
        known = self._find(name, kind)
        if known is not None and known[:4] == _identity(state):
            return known[4]
        value = compute()
        if _identity(os.stat(path)) == _identity(state) and _settled(state, began):  # noqa: PTH116
            self._pending[name, kind] = (state, value)
        return value

    def read_ahead(self, folder: Path | str) -> None:
        """Read in one go what is remembered of all files in and below a folder; what was read ahead before is dropped.

        For who is about to ask for each of them: a query a folder costs a tenth of a query a file.
        """
        start = _text(_absolute(folder)) + "/"
        query = "SELECT path, kind, size, mtime_ns, ctime_ns, inode, value FROM entries WHERE path > ? AND path < ?"
        self._ahead = {}
        with contextlib.suppress(sqlite3.Error):
            for path, kind, *entry in self._open().execute(query, (start, start[:-1] + chr(ord("/") + 1))):
                self._ahead[path, kind] = tuple(entry)

    def names(self, folder: Path | str) -> list[str]:
        """The names in a folder, sorted; remembered in memory, as thousands of sources may lie side by side.

        Raises:
            OSError: If the folder cannot be read.
        """
        began = time.time_ns()
        state = os.stat(folder)  # noqa: PTH116 - called for every source of a build
        place = str(folder)
        if (known := self._names.get(place)) and known[0] == _identity(state):
            return known[1]
        names = sorted(os.listdir(folder))  # noqa: PTH208 - same
        if _settled(state, began):
            self._names[place] = _identity(state), names
        return names

    def flush(self) -> None:
        """Write what was learned; quietly nothing where it cannot be written."""
        if not self._pending:
            return
        rows = [(p, k, *_identity(s), v) for (p, k), (s, v) in self._pending.items()]
        with contextlib.suppress(sqlite3.Error):
            database = self._open()
            with database:
                database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._pending.clear()

    def _find(self, name: str, kind: str) -> tuple[int, int, int, int, str] | None:
        if pending := self._pending.get((name, kind)):
            return (*_identity(pending[0]), pending[1])
        if entry := self._ahead.get((name, kind)):
            return entry
        try:
            query = "SELECT size, mtime_ns, ctime_ns, inode, value FROM entries WHERE path = ? AND kind = ?"
            row: tuple[int, int, int, int, str] | None = self._open().execute(query, (name, kind)).fetchone()
        except sqlite3.Error:
            return None
        return row

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = _connect(self._path)
        return self._database


def _connect(path: Path | None) -> sqlite3.Connection:
    """The database at ``path``; where that is unreadable, damaged or on a read-only mount, the best that can be had."""
    for attempt in (str(path), f"file:{quote(str(path))}?mode=ro&immutable=1"):
        if path is None:
            break
        try:
            database = sqlite3.connect(attempt, timeout=5, uri=attempt.startswith("file:"))
            database.execute("PRAGMA synchronous = OFF")  # losing it costs a rehash, nothing else
            if not attempt.startswith("file:"):
                database.execute(_TABLE)
            database.execute("SELECT 1 FROM entries LIMIT 1")
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error) or "malformed" in str(error):
                with contextlib.suppress(OSError):
                    path.unlink()
        else:
            return database
    database = sqlite3.connect(":memory:")
    database.execute(_TABLE)
    return database


def _absolute(path: Path | str) -> str:
    """``os.path.abspath``, which takes longer than all else here, where ``path`` is no normal absolute one already."""
    text = str(path)
    normal = text.startswith("/") and not text.endswith("/") and "//" not in text and "/." not in text
    return text if normal else os.path.abspath(text)  # noqa: PTH100 - called for every blob of a build


def _text(name: str) -> str:
    """A path as the database can have it: names of files need not be UTF-8."""
    return name if name.isascii() else name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _identity(state: os.stat_result) -> tuple[int, int, int, int]:
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _settled(state: os.stat_result, now_ns: int) -> bool:
    """Whether a change after ``now_ns`` would show in the file's timestamps."""
    changed = max(state.st_mtime_ns, state.st_ctime_ns)
    resolution = _FINE_NS if changed % 1_000_000_000 else _COARSE_NS
    return now_ns - changed > resolution
