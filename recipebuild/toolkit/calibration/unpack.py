"""The image files in an archive: tar, tar.gz or zip.

Archives may come from strangers. They are read member by member and nothing is ever written under a member's name;
all the same, what an honest archive does not hold (links, devices, names that leave it, bombs) refuses the whole.
"""

from __future__ import annotations

import contextlib
import gzip
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Protocol, cast

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.imagefile import MAX_BYTES, ImageFile, is_image, read_all, shown

MAX_MEMBERS = 100_000
MAX_TOTAL = 16 * 2**30
"""Largest archive, uncompressed, in bytes."""

_CHUNK = 2**20
_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error,
    EOFError, ValueError, OverflowError, NotImplementedError, RecursionError,
)  # fmt: skip
"""What the libraries raise on damaged archives."""


def members(
    archive: Path, open_files: contextlib.ExitStack, wanted: Callable[[str], bool] = is_image
) -> list[ImageFile]:
    """The files in ``archive`` whose names are ``wanted``; they can be read until ``open_files`` is closed.

    Raises:
        StepError: If it is no archive, damaged, over a limit (``MAX_MEMBERS``, ``MAX_BYTES`` for each member,
            ``MAX_TOTAL``), or has a member that is neither file nor folder or whose name would leave the archive.
    """
    try:
        file = open_files.enter_context(archive.open("rb"))
        magic = file.read(4)
        file.seek(0)
        if magic in (b"PK\x03\x04", b"PK\x05\x06"):
            return _in_zip(open_files.enter_context(zipfile.ZipFile(file)), wanted)
        if magic.startswith(b"\x1f\x8b"):
            stream = open_files.enter_context(gzip.GzipFile(fileobj=file))
            spool = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - open_files closes it
            return _in_tar(_Unzipped(stream, spool), wanted)
        return _in_tar(file, wanted)
    except (FileNotFoundError, PermissionError) as error:
        raise StepError(f"{archive}: {error.strerror}", remedy="use a folder of images, or an archive") from error
    except _DAMAGED as error:
        raise StepError(
            f"{archive.name} is not a whole tar, tar.gz or zip archive: {error}",
            remedy="create the archive again, or use a folder of images",
        ) from error


class _Seekable(Protocol):
    def seek(self, position: int, /) -> int: ...
    def tell(self) -> int: ...
    def read(self, size: int, /) -> bytes: ...


class _Unzipped:
    """A gzip stream that can be read at any place: it is decompressed, into ``spool``, as far as it was asked for."""

    def __init__(self, stream: gzip.GzipFile, spool: IO[bytes]) -> None:
        self._stream, self._spool = stream, spool
        self._position = self._end = 0

    def seek(self, position: int, /) -> int:
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def read(self, size: int, /) -> bytes:
        self._spool.seek(self._end)
        while self._end < self._position + size and (chunk := self._stream.read(_CHUNK)):
            self._end += self._spool.write(chunk)
        self._spool.seek(self._position)
        data = self._spool.read(size)
        self._position += len(data)
        return data


class _SmallReads:
    """A file that is not read in one huge piece, whatever length a header claims for what follows it."""

    def __init__(self, file: _Seekable) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _CHUNK:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._file.read(size)


def _in_tar(file: _Seekable, wanted: Callable[[str], bool]) -> list[ImageFile]:
    files = []
    check = _Check()
    last = "its start"
    with tarfile.open(fileobj=cast("IO[bytes]", _SmallReads(file)), mode="r:") as tar:
        for member in tar:
            last = member.name
            name = check(member.name, member.size)
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise _refused(member.name, "is a link, a device or a sparse file")
            if member.isreg() and wanted(name):
                files.append(ImageFile(name, partial(_read_slice, file, member.offset_data, member.size)))
    # TarFile takes a damaged header, or none, for the end; a gzip stream proves whole only when it is read to its end.
    rest = _read_slice(file, tar.offset, MAX_BYTES + 1)
    if len(rest) > MAX_BYTES or not rest.startswith(bytes(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"damaged after {shown(last)}")
    return files


def _read_slice(file: _Seekable, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


def _in_zip(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> list[ImageFile]:
    files = []
    check = _Check()
    for member in archive.infolist():
        name = check(member.filename, member.file_size)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(member.filename, "is a link or a device")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(member.filename, "is encrypted, or compressed in an unusual way")
        if not member.is_dir() and wanted(name):
            files.append(ImageFile(name, partial(_read_zipped, archive, member)))
    return files


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return read_all(file, member.filename)
    except (*_DAMAGED, OSError) as error:
        raise StepError(f"{shown(member.filename)}: {error}", remedy="make the archive again") from error


class _Check:
    """Count what an archive claims to hold, and give each member's name in one spelling."""

    def __init__(self) -> None:
        self._count = self._total = 0

    def __call__(self, name: str, size: int) -> str:
        self._count += 1
        self._total += size
        if not 0 <= size <= MAX_BYTES:
            raise _refused(name, f"has {size:,} bytes; at most {MAX_BYTES >> 20} MiB are allowed")
        if self._count > MAX_MEMBERS or self._total > MAX_TOTAL:
            limits = f"{MAX_MEMBERS:,} files or {MAX_TOTAL >> 30} GiB"
            raise _refused(name, f"is one too many: the archive has more than {limits}")
        parts = name.replace("\\", "/").split("/")
        if not parts[0] or ".." in parts:
            raise _refused(name, "leaves the archive")
        return "/".join(part for part in parts if part not in ("", "."))


def _refused(name: str, why: str) -> StepError:
    return StepError(f"archive member {shown(name)} {why}", remedy="use an archive of plain images, or a folder")
