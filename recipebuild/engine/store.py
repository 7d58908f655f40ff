"""The content-addressed store: ``blobs/<sha256>``, ``actions/<key>.json``, ``code/<digest>.json``.

A blob is a file under the name of its content. An action is the record of a step that succeeded: what went in, what
came out, how long it took. Publishing syncs the blobs, and then writes the action that names them to a temporary name
and renames it; so a crash at any point leaves a valid store, at worst with a blob that nobody names yet.

A code note says of which modules a code digest was made; only explanations read it, and nothing fails without it.

Blobs are sealed: read-only, with a fixed modification time. Whoever writes to one breaks the seal, and is found out by
a look at the file's status; a blob with a broken seal is read in full before it is trusted again. A blob that is not
known to be on the disk is a draft: it has another time, so that nobody trusts it after a power loss.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from recipebuild.engine.digest import canonical_json, digest_json
from recipebuild.engine.layout import FILE as LAYOUT_FILE
from recipebuild.engine.layout import LAYOUT, check_layout
from recipebuild.engine.record import Blob, Record, read_record, record_as_json
from recipebuild.engine.sharing import make_folder, open_like
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.workspace import Mark, Workspaces, fsync_path
from recipebuild.errors import RecipeError, StepError, disk_full
from recipebuild.files import digest_file

SEAL_NS = 946_684_800 * 1_000_000_000
"""The modification time of every blob, 2000-01-01 UTC in nanoseconds: no file gets it by being written to."""

_DRAFT_NS = SEAL_NS - 1_000_000_000
"""The modification time of a blob that may not be on the disk yet."""

_WORTH_WAITING = 1.0
"""Seconds that a step took, from which on its record is made to survive a power loss at once."""


class Store:
    """The store in the folder ``root``. Opening it writes nothing.

    Args:
        root: The store's folder; made at the first write.

    Raises:
        RecipeError: If a later version, with another layout, made it.
    """

    def __init__(self, root: Path) -> None:
        check_layout(root)
        self.root = root
        self.blobs = root / "blobs"
        self.actions = root / "actions"
        self.code = root / "code"
        self.stats = StatCache(root / "stat.sqlite")
        self._mark: Mark | None = None
        self._noted: set[str] = set()

    def hold(self) -> None:
        """From now until ``close``, let no collector take what is found here.

        Quietly nothing where nobody has written yet, or this process cannot: a run that finds all that it needs there
        is no worse for it.
        """
        with contextlib.suppress(OSError):
            self._mark = self._mark or Mark(self.root / "tmp")

    @cached_property
    def workspaces(self) -> Workspaces:
        """Folders for this process's steps. The first use makes the store's folders and sweeps what the dead left.

        Raises:
            RecipeError: If the store cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for name in ("blobs", "actions", "code", "locks", "roots", "tmp"):
                make_folder(self.root / name, self.root)
            self._mark = self._mark or Mark(self.root / "tmp")
            self._sign()
            return Workspaces(self._mark)
        except OSError as error:
            raise disk_full(error, self.root) or RecipeError(
                f"the store {self.root} cannot be written: {error.strerror}",
                remedy="use your own folder with --store DIR, or set XDG_CACHE_HOME",
            ) from error

    def _sign(self) -> None:
        """Write down the layout; let all who share the store write to its cache of digests."""
        layout, digests = self.root / LAYOUT_FILE, self.root / "stat.sqlite"
        if not layout.exists():
            layout.write_text(f"{LAYOUT}\n", encoding="utf-8")
        if not digests.exists():
            digests.touch()
        open_like(layout, self.root)
        open_like(digests, self.root)

    def close(self) -> None:
        """Write what was learned about files, and remove this process's workspaces."""
        self.stats.flush()
        if workspaces := self.__dict__.pop("workspaces", None):
            workspaces.close()
        if self._mark:
            self._mark.release()
            self._mark = None

    def find(self, key: str) -> Record | None:
        """The record under ``key`` if there is one and all that it names is here undamaged.

        While this process is at work (``hold``, ``workspaces``), what it finds stays.
        """
        try:
            with open(self.actions / f"{key}.json", encoding="utf-8") as file:  # noqa: PTH123 - hot
                record = read_record(json.load(file))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = record.key == key and all(self.holds(blob) for blob in (*record.outputs, record.log))
        return record if whole and (not self._mark or self._touch(key)) else None

    def used(self, record: Record) -> None:
        """Note that the record was of use just now: the time of its file says when it last was."""
        if not self._mark:  # else it was noted when it was found or written
            self._touch(record.key)

    def _touch(self, key: str) -> bool:
        """Note that a record is of use; ``False`` if a collector has just taken it."""
        try:
            os.utime(f"{self.actions}/{key}.json")
        except FileNotFoundError:
            return False
        except OSError:
            pass  # a store that cannot be written serves all the same
        return True

    def records(self) -> list[Record]:
        """All records, the last used first; damaged ones are left out."""
        dated = []
        for path in self.actions.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                record = read_record(json.loads(path.read_text(encoding="utf-8")))
                dated.append((path.stat().st_mtime_ns, record))
        return [record for _, record in sorted(dated, key=lambda pair: pair[0], reverse=True)]

    def alike(self, ingredients: Mapping[str, Any], differing: Sequence[str]) -> Record | None:
        """The record last used with these ingredients, but for ``differing`` ones (``inputs.dataset``, ``code``)."""
        wanted = likeness(ingredients, differing)
        for record in self.records():
            same_step = record.ingredients.get("step") == ingredients["step"]
            if same_step and likeness(record.ingredients, differing) == wanted and (whole := self.find(record.key)):
                return whole
        return None

    def code_parts(self, digest: str) -> dict[str, str]:
        """The digest of each module that a code digest was made of, by name; empty if that was not noted."""
        try:
            parts = json.loads((self.code / f"{digest}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return parts if digest_json(parts) == digest else {}

    def note_code(self, digest: str, parts: Mapping[str, str]) -> None:
        """Note of which modules a code digest was made."""
        if digest in self._noted:
            return
        path = self.code / f"{digest}.json"
        if not path.exists():
            self._write(path, canonical_json(parts))
        self._noted.add(digest)

    def path(self, blob: Blob) -> Path:
        """Where the blob's content lies."""
        return self.blobs / blob.sha256

    def holds(self, blob: Blob) -> bool:
        """Whether the blob is here, undamaged as far as its seal tells; one with a broken seal is read in full."""
        path = f"{self.blobs}/{blob.sha256}"
        try:
            state = os.stat(path)  # noqa: PTH116 - hot
            if state.st_size != blob.bytes:
                return False
            return _sealed(state) or self._reseal(Path(path), blob.sha256)
        except OSError:
            return False

    def publish(self, key: str, ingredients: Mapping[str, Any], folder: Path, log: Path, **facts: Any) -> Record:
        """Move what a step wrote in ``folder``, and its log, into the store, then record the action, at once.

        Raises:
            StepError: If the step wrote something that is no regular file, or the disk is full.
        """
        record = self.take(key, ingredients, folder, log, **facts)
        self.commit(record)
        return record

    def take(self, key: str, ingredients: Mapping[str, Any], folder: Path, log: Path, **facts: Any) -> Record:
        """Move what a step wrote in ``folder``, and its log, into the store as drafts, which steps can read.

        Args:
            key: The step's key.
            ingredients: What the key was made of.
            folder: What is in it becomes the step's outputs.
            log: The step's log.
            facts: The other fields of ``Record``: metrics, seconds, label, finished.

        Raises:
            StepError: If the step wrote something that is no regular file, or the disk is full.
        """
        try:
            names = sorted(_files(str(folder)), key=lambda name: name.split("/"))
            outputs = tuple(self._take(f"{folder}/{name}", name) for name in names)
            return Record(key, ingredients, outputs, log=self._take(str(log), "log"), **facts)
        except OSError as error:
            raise disk_full(error, self.root) or error from error

    def commit(self, record: Record) -> None:
        """Wait until the blobs that were taken for the record are on the disk, then record the action.

        Several threads may do this at once; the file system then writes its journal once for all of them.

        Raises:
            StepError: If a blob was changed since it was taken, or the disk is full.
        """
        try:
            for blob in (*record.outputs, record.log):
                self._make_durable(blob)
            self._write_action(record)
        except OSError as error:
            raise disk_full(error, self.root) or error from error

    def adopt(self, record: Record) -> None:
        """Record an action that was done elsewhere; its blobs were ``put`` here before.

        Raises:
            OSError: If it cannot be written.
        """
        self._write_action(record)

    def claim(self, blob: Blob) -> bool:
        """Whether the blob is here, and a collector could be told that it is wanted again; else ``put`` it."""
        if not self.holds(blob):
            return False
        try:
            os.utime(self.path(blob), ns=(time.time_ns(), SEAL_NS))  # a collector looks whether these times change
        except OSError:  # it has just been taken; or it is another user's, and only a file of our own can be kept
            return False
        return True

    def put(self, file: Path, blob: Blob) -> None:
        """Move ``file``, whose content is known to be the blob's, into the store; it is on the store's file system.

        Raises:
            OSError: If it cannot be written.
        """
        if self.claim(blob):
            file.unlink()
            return
        fsync_path(file)
        _seal(file)
        self._replace(file, blob)

    def _replace(self, file: Path | str, blob: Blob) -> None:
        """Put ``file`` in the blob's place."""
        try:
            os.replace(file, f"{self.blobs}/{blob.sha256}")  # noqa: PTH105 - hot
        except PermissionError:  # in a sticky folder, another user's file stays
            if not self.holds(blob):
                raise
            os.unlink(file)  # noqa: PTH108 - hot

    def _take(self, file: str, name: str) -> Blob:
        """Make a draft of ``file``, which is moved away, unless the store has its content."""
        blob = Blob(name, digest_file(file), os.stat(file).st_size)  # noqa: PTH116 - hot, as all below
        with contextlib.suppress(FileNotFoundError):
            state = os.stat(f"{self.blobs}/{blob.sha256}")  # noqa: PTH116
            if state.st_size == blob.bytes and _sealed(state) and self.claim(blob):
                os.unlink(file)  # noqa: PTH108
                return blob
        os.chmod(file, 0o444)  # noqa: PTH101
        os.utime(file, ns=(_DRAFT_NS, _DRAFT_NS))
        self._replace(file, blob)
        return blob

    def _make_durable(self, blob: Blob) -> None:
        path = self.path(blob)
        while not _sealed(path.stat()):  # another step with this output may put its own file there meanwhile
            with path.open("rb") as file:
                os.fsync(file.fileno())
                state = os.fstat(file.fileno())
                if state.st_mtime_ns != _DRAFT_NS and hashlib.file_digest(file, "sha256").hexdigest() != blob.sha256:
                    raise StepError(f"{blob.name} was changed after the step had ended", remedy="run again")
                os.fchmod(file.fileno(), 0o444)
                os.utime(file.fileno(), ns=(SEAL_NS, SEAL_NS))

    def _write_action(self, record: Record) -> None:
        text = json.dumps(record_as_json(record), sort_keys=True)
        path = self.actions / f"{record.key}.json"
        # Blobs are on the disk before a record names them. The record of a quick step is not worth a wait for the disk:
        # should power fail before the system writes it, it is missing or torn: a miss, and the step runs again.
        if record.seconds < _WORTH_WAITING:
            self._write(path, text)
            return
        fsync_path(self.blobs)
        self._write(path, text, durable=True)
        fsync_path(self.actions)

    def _write(self, path: Path, text: str, *, durable: bool = False) -> None:
        temporary = self.workspaces.file()
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        open_like(temporary, self.root)
        temporary.replace(path)

    def _reseal(self, path: Path, digest: str) -> bool:
        """Read a blob whose seal is broken: seal it again if its content is right, else put it out of the way."""
        if digest_file(path) != digest:
            with contextlib.suppress(OSError):
                path.unlink()
            return False
        with contextlib.suppress(OSError):
            fsync_path(path)
            _seal(path)
        return True


def likeness(ingredients: Mapping[str, Any], names: Sequence[str]) -> str:
    """The digest of the ingredients without those called ``inputs.dataset``, ``code`` and the like."""
    left = {
        kind: {name: value for name, value in values.items() if f"{kind}.{name}" not in names}
        if isinstance(values, Mapping)
        else values
        for kind, values in ingredients.items()
        if kind not in names
    }
    return digest_json(left)


def own_store() -> Path:
    """Where the user's own store is: ``$XDG_CACHE_HOME/recipebuild``, else ``~/.cache/recipebuild``."""
    return (Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recipebuild").absolute()


def _files(folder: str, prefix: str = "") -> Iterator[str]:
    """The files below ``folder``, by names relative to it, with forward slashes."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{name}/")
            elif entry.is_file(follow_symlinks=False):
                yield name
            else:
                raise StepError(f"the step wrote {name}, which is not a regular file")


def _sealed(state: os.stat_result) -> bool:
    return state.st_mtime_ns == SEAL_NS and not state.st_mode & 0o222


def _seal(path: Path) -> None:
    path.chmod(0o444)
    os.utime(path, ns=(SEAL_NS, SEAL_NS))
