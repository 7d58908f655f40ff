"""The bundle as files that can be checked: the list of their digests, and the archive.

Use: ``write_sums(folder)``, ``write_archive(folder, path, "b0-cityscapes")``. Same files, same bytes, on every machine.
"""

from __future__ import annotations

import struct
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from recipebuild.files import SUMS, digest_file

SIGNATURES = (f"{SUMS}.sig", f"{SUMS}.cosign.json")
"""Made after the bundle, on request: they are not among the files that the sums cover."""

_BLOCK = 0xFFFF
"""Most bytes of one stored block of DEFLATE (RFC 1951, 3.2.4)."""


def sums(folder: Path) -> str:
    """The text of ``SHA256SUMS`` (as ``sha256sum`` writes and reads it) for what is in the bundle."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in (SUMS, *SIGNATURES))
    return "".join(f"{digest_file(folder / name)}  {name}\n" for name in names)


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` into the bundle; what is in it must be complete."""
    (folder / SUMS).write_text(sums(folder), encoding="utf-8")


def write_archive(folder: Path, path: Path, name: str) -> None:
    """Pack the bundle as ``path`` (.tar.gz), in a folder ``name``: sorted, no times, no owners.

    The gzip stream holds the tar as it is. Quantized weights hardly shrink, and what a compressor makes of them differs
    between implementations of zlib.
    """
    with path.open("wb") as file:
        writer = _StoredGzip(file)
        with tarfile.open(fileobj=cast(IO[bytes], writer), mode="w|", format=tarfile.USTAR_FORMAT) as archive:
            for member in sorted(folder.iterdir()):
                if member.name in SIGNATURES:
                    continue
                info = tarfile.TarInfo(f"{name}/{member.name}")
                info.size = member.stat().st_size
                info.mode = 0o755 if member.suffix == ".py" else 0o644
                with member.open("rb") as content:
                    archive.addfile(info, content)
        writer.end()


class _StoredGzip:
    """Writes a gzip stream (RFC 1952) of stored blocks: no time, no name, always the same bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._crc = self._size = 0
        self._pending = b""
        file.write(b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff")

    def write(self, data: bytes) -> int:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        pending = memoryview(self._pending + data)
        while len(pending) > _BLOCK:
            self._block(pending[:_BLOCK], last=False)
            pending = pending[_BLOCK:]
        self._pending = bytes(pending)
        return len(data)

    def end(self) -> None:
        """Write what is left, and the trailer."""
        self._block(memoryview(self._pending), last=True)
        self._file.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _block(self, data: memoryview, last: bool) -> None:
        self._file.write(struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF))
        self._file.write(data)
