"""A store elsewhere, behind the local one: any place that fsspec can open.

It has the same layout, ``actions/<key>.json`` and ``blobs/<sha256>``, so a copy of a local store is a remote one; and
``alike/``, see ``fetch_alike``. It is not trusted: a record must be under the key that its ingredients make, and name
plain files; a blob must have the size and the digest by which it is named. What is there is not written again, unless
it was found to be damaged.

fsspec is imported at the first use, in the thread that uses it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from recipebuild.engine.digest import digest_json
from recipebuild.engine.layout import check_remote_layout
from recipebuild.engine.record import Blob, Record, read_record, record_as_json
from recipebuild.engine.store import Store, likeness
from recipebuild.errors import CheckError, MissingError, RecipeError, disk_full, reason

_CHUNK = 8 << 20
_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "gcs": ("gcsfs", "gs")}
_EXTRAS |= {"sftp": ("paramiko", "sftp"), "ssh": ("paramiko", "sftp")}
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oss", "oci"}
"""Where an upload is seen whole or not at all; elsewhere it goes under a temporary name first."""

_ALIKE = "alike"
"""The folder with the keys of records that spare later steps work, by what those share with them."""

Moved = Callable[[], None]
"""Called whenever some bytes have moved, from the thread that moves them."""


class Remote:
    """The store at ``url``. Opening it touches nothing; its methods may be called from several threads.

    Args:
        url: Such as ``s3://bucket/prefix``; addresses, keys and the like come from the protocol's own configuration.

    Raises:
        RecipeError: If it is no URL.
        MissingError: If the packages for its protocol are not installed.
    """

    def __init__(self, url: str) -> None:
        self.protocol, separator, rest = url.partition("://")
        if not separator or not self.protocol or not rest:
            raise RecipeError(f"{url!r} is no URL of a store", remedy="such as s3://bucket/prefix or sftp://host/path")
        package, extra = _EXTRAS.get(self.protocol, ("fsspec", "s3"))
        if not find_spec("fsspec") or not find_spec(package):
            raise MissingError(
                f"a store at {self.protocol}:// needs the Python package {package}, which is not installed",
                remedy=f"pip install '.[{extra}]' in a checkout",
            )
        self.url = url.rstrip("/")
        self.name = re.sub(r"(?<=://)[^/@]+@", "", self.url)
        self._here = threading.local()
        self._shared: tuple[Any, str] | None = None
        self._checked_layout = False
        self.damaged: set[str] = set()  # keys and digests of what is there, and must be replaced

    def check(self) -> None:
        """Make sure that fsspec knows the protocol; nothing is opened.

        Raises:
            RecipeError: If it does not.
        """
        from fsspec.registry import available_protocols

        if self.protocol not in available_protocols():
            raise RecipeError(
                f"{self.name}: there is no protocol {self.protocol}", remedy="such as s3, gs, sftp or file"
            )

    def look(self, key: str) -> Record | None:
        """The record under ``key``, without what it names; ``None`` if there is none.

        Raises:
            CheckError: If it is damaged.
            MissingError: If the remote cannot be read.
        """
        with self._trouble("read"):
            fs, root = self._open()
            try:
                text = fs.cat_file(f"{root}/actions/{key}.json")
            except FileNotFoundError:
                return None
        return self._checked(text, key)

    def fetch(
        self, key: str, store: Store, moved: Moved = lambda: None, exists: Callable[[], None] = lambda: None
    ) -> Record | None:
        """Bring the record under ``key`` and all that it names into ``store``; ``None`` if there is no such record.

        Args:
            key: A step's key.
            store: The local store.
            moved: Called as bytes arrive.
            exists: Called when there is a record, before its blobs are brought.

        Raises:
            CheckError: If the record, or a blob of it, is damaged or missing; nothing was recorded then.
            MissingError: If the remote cannot be read.
            StepError: If the local disk is full.
        """
        record = self.look(key)
        moved()
        if record is None:
            return None
        exists()
        try:
            self.bring((*record.outputs, record.log), store, moved)
        except CheckError:
            self.damaged.add(key)  # another build may have other outputs: its record must then replace this one
            raise
        try:
            store.adopt(record)
        except OSError as error:
            raise disk_full(error, store.root) or error from error
        return record

    def fetch_alike(
        self, ingredients: Mapping[str, Any], goes_on: Sequence[str], store: Store, moved: Moved = lambda: None
    ) -> Record | None:
        """Bring the record last pushed with these ingredients, but for those in ``goes_on``; errors as of ``fetch``.

        What says which one that is need not be trusted: a record is what its ingredients are.
        """
        with self._trouble("read"):
            fs, root = self._open()
            try:
                key = fs.cat_file(f"{root}/{_ALIKE}/{likeness(ingredients, goes_on)}").decode(errors="replace")
            except FileNotFoundError:
                return None
        return self.fetch(key, store, moved) if re.fullmatch("[0-9a-f]{64}", key) else None

    def bring(self, blobs: Iterable[Blob], store: Store, moved: Moved = lambda: None) -> None:
        """Bring blobs into ``store`` that are not there yet.

        Raises:
            CheckError: If one is damaged or missing.
            MissingError: If the remote cannot be read.
            StepError: If the local disk is full.
        """
        for blob in blobs:
            if store.claim(blob):
                continue
            temporary = store.workspaces.file()
            try:
                with self._trouble("read"):
                    digest = self._download(blob, temporary, moved)
                if digest != blob.sha256:
                    self.damaged.add(blob.sha256)
                    raise CheckError(f"the store {self.name} has a damaged blob {blob.sha256} ({blob.name})")
                store.put(temporary, blob)
            except (OSError, MissingError) as error:
                raise disk_full(error.__cause__ or error, store.root) or error from error
            finally:
                temporary.unlink(missing_ok=True)

    def push(self, record: Record, store: Store, moved: Moved = lambda: None, goes_on: Sequence[str] = ()) -> bool:
        """Write a record of ``store`` and all that it names, the record last.

        Args:
            record: What is written.
            store: Where the blobs are.
            moved: Called as bytes leave.
            goes_on: In what later records may differ that this one spares work (see ``Step``): it is put where
                ``fetch_alike`` looks for it.

        Returns:
            ``False`` if it was there already.

        Raises:
            MissingError: If the remote cannot be written.
        """
        with self._trouble("written"):
            fs, root = self._open()
            path = f"{root}/actions/{record.key}.json"
            if record.key not in self.damaged and fs.exists(path):
                return False
            self.send((*record.outputs, record.log), store, moved)
            self._write(json.dumps(record_as_json(record), indent=1, sort_keys=True), path, store, moved)
            if goes_on:
                self._write(record.key, f"{root}/{_ALIKE}/{likeness(record.ingredients, goes_on)}", store, moved)
        self.damaged.discard(record.key)
        return True

    def send(self, blobs: Iterable[Blob], store: Store, moved: Moved = lambda: None) -> None:
        """Write blobs of ``store`` that are not there yet.

        Raises:
            MissingError: If the remote cannot be written.
        """
        with self._trouble("written"):
            fs, root = self._open()
            for blob in blobs:
                path = f"{root}/blobs/{blob.sha256}"
                if blob.sha256 in self.damaged or _size(fs, path) != blob.bytes:
                    self._upload(store.path(blob), path, moved)
                    self.damaged.discard(blob.sha256)
                moved()

    def all_keys(self) -> list[str]:
        """The keys of all records there.

        Raises:
            MissingError: If the remote cannot be read.
        """
        with self._trouble("read"):
            fs, root = self._open()
            try:
                names = fs.ls(f"{root}/actions", detail=False)
            except FileNotFoundError:
                return []
        return sorted(PurePosixPath(name).stem for name in names if name.endswith(".json"))

    def _open(self) -> tuple[Any, str]:
        """The file system and the store's folder in it: one for all threads if it is asyncio's, else one for each."""
        opened: tuple[Any, str] | None = self._shared or getattr(self._here, "opened", None)
        if opened is None:
            from fsspec.core import url_to_fs

            fs, root = url_to_fs(self.url, skip_instance_cache=True, **_options(self.protocol))
            opened = fs, root.rstrip("/")
            if not self._checked_layout:
                check_remote_layout(fs, opened[1], self.name)
                self._checked_layout = True
            if fs.async_impl:  # it works in a thread of its own, whoever asks; a client of S3 takes 0.2 s to make
                self._shared = opened
            else:
                self._here.opened = opened
        return opened

    def _download(self, blob: Blob, target: Path, moved: Moved) -> str:
        """Write a blob's content to ``target``; give the digest of it, or of the part that is already too long."""
        fs, root = self._open()
        path = f"{root}/blobs/{blob.sha256}"
        digest, count = hashlib.sha256(), 0
        try:
            with fs.open(path, "rb", **_reading(self.protocol)) as source, target.open("wb") as file:
                if hasattr(source, "prefetch"):  # SFTP's: else each 32 kB cost a round trip
                    source.prefetch()
                while count <= blob.bytes and (chunk := source.read(_CHUNK)):
                    file.write(chunk)
                    digest.update(chunk)
                    count += len(chunk)
                    moved()
        except FileNotFoundError as error:
            self.damaged.add(blob.sha256)
            raise CheckError(f"the store {self.name} lacks the blob {blob.sha256} ({blob.name})") from error
        return digest.hexdigest()

    def _write(self, text: str, path: str, store: Store, moved: Moved) -> None:
        temporary = store.workspaces.file()
        temporary.write_text(text, encoding="utf-8")
        try:
            self._upload(temporary, path, moved)
        finally:
            temporary.unlink()

    def _upload(self, file: Path, path: str, moved: Moved) -> None:
        fs, _ = self._open()
        if self.protocol in _WHOLE:
            from fsspec.callbacks import Callback

            fs.put_file(str(file), path, callback=Callback(hooks={"moved": lambda *_, **__: moved()}))
            return
        folder = path.rpartition("/")[0]
        _make_folder(fs, folder)
        temporary = f"{folder}/.{secrets.token_hex(8)}.part"
        try:
            with file.open("rb") as source, fs.open(temporary, "wb") as target:
                if hasattr(target, "set_pipelined"):  # SFTP's: else each 32 kB wait for an answer
                    target.set_pipelined(True)
                while chunk := source.read(_CHUNK // 16):
                    target.write(chunk)
                    moved()
            if _size(fs, temporary) != file.stat().st_size:
                raise OSError(f"{temporary} did not arrive whole")
            fs.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                fs.rm_file(temporary)
            raise

    def _checked(self, text: bytes, key: str) -> Record:
        try:
            record = read_record(json.loads(text))
            plain = all(_is_plain(blob) for blob in (*record.outputs, record.log))
            typed = isinstance(record.metrics, dict) and isinstance(record.seconds, (int, float))
            good = plain and typed and record.key == key and digest_json(record.ingredients) == key
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        if not good:
            self.damaged.add(key)
            raise CheckError(f"the store {self.name} has a damaged record {key}")
        return record

    @contextlib.contextmanager
    def _trouble(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (CheckError, MissingError):
            raise
        except Exception as error:  # each protocol's library raises errors of its own
            self._here.__dict__.clear()  # a connection that failed once may be dead
            self._shared = None
            raise MissingError(f"the store {self.name} cannot be {doing}: {reason(error)}") from error


def _is_plain(blob: Blob) -> bool:
    """Whether a blob's digest is one, and its name stays in the folder that it is put in."""
    parts = blob.name.split("/")
    safe = not {"", ".", ".."} & set(parts) and "\0" not in blob.name
    return safe and re.fullmatch("[0-9a-f]{64}", blob.sha256) is not None and type(blob.bytes) is int


def _make_folder(fs: Any, folder: str) -> None:
    """Make a folder and its parents, also while others make them: SFTP refuses what has come to be since it looked.

    Raises:
        OSError: If it fails more often than there are parts that others can have made meanwhile.
    """
    for _ in folder.strip("/").split("/"):
        with contextlib.suppress(OSError):
            fs.makedirs(folder, exist_ok=True)
            return
    fs.makedirs(folder, exist_ok=True)


def _size(fs: Any, path: str) -> int | None:
    try:
        return int(fs.info(path)["size"])
    except FileNotFoundError:
        return None


def _reading(protocol: str) -> dict[str, Any]:
    return {"block_size": _CHUNK} if protocol in _WHOLE else {}


def _options(protocol: str) -> dict[str, Any]:
    """What must not be left to a library's defaults: giving up on a server in time, and knowing it."""
    if protocol in ("s3", "s3a"):
        limits = {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}
        return {"config_kwargs": limits, "use_listings_cache": False}
    if protocol in ("gs", "gcs"):
        return {"use_listings_cache": False, "timeout": 20}
    if protocol in ("sftp", "ssh"):
        from recipebuild.engine.known_hosts import KnownHosts

        return {"host_key_policy": KnownHosts(), "timeout": 10, "banner_timeout": 10, "auth_timeout": 10}
    return {}
