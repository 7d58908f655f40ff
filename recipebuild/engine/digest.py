"""Digests: of JSON values, of files, of folders. All are sha256 in hexadecimal."""

from __future__ import annotations

import hashlib
import json
import os
from glob import escape
from pathlib import Path
from typing import Any

from recipebuild.engine.statcache import StatCache


def canonical_json(value: Any) -> str:
    """``value`` as JSON with one spelling only: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: If it holds a NaN or an infinity.
        TypeError: If it holds something that JSON has no word for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_json(value: Any) -> str:
    """The digest of ``value``'s canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_file(path: Path | str) -> str:
    """The digest of a file's content."""
    with open(path, "rb") as file:  # noqa: PTH123 - called for every blob of a build
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_listing(files: list[tuple[str, str]]) -> str:
    """The digest of a folder, given the relative name and the digest of each file in it, in any order."""
    return digest_json(sorted(files))


def digest_source(path: Path, cache: StatCache) -> str:
    """The digest of a file with its companions, or of a folder as a tree: relative names and contents, nothing else.

    A file's companions are those beside it whose names continue its own: ``model.onnx`` has ``model.onnx.data`` and
    ``model.onnx_data``.

    Raises:
        OSError: If something in it cannot be read.
    """
    if not path.is_dir():
        found = {path.name: cache.get(path, "sha256", lambda: digest_file(path))}
        for other in path.parent.glob(f"{escape(path.name)}[._]*"):
            if other.is_file():
                found[other.name] = cache.get(other, "sha256", lambda other=other: digest_file(other))  # type: ignore[misc]  # mypy cannot infer a default argument
        return found[path.name] if len(found) == 1 else digest_listing(list(found.items()))
    files = []
    for folder, folders, names in os.walk(path, followlinks=True):
        folders.sort()
        for name in names:
            file = Path(folder, name)
            digest = cache.get(file, "sha256", lambda file=file: digest_file(file))  # type: ignore[misc]  # mypy cannot infer a default argument
            files.append((file.relative_to(path).as_posix(), digest))
    return digest_listing(files)
