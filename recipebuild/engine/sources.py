"""The digest of what a step takes from outside the store: a file with its companions, or a folder."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from recipebuild.engine.digest import digest_listing
from recipebuild.engine.statcache import StatCache
from recipebuild.files import digest_file, walk


def digest_source(path: Path, cache: StatCache) -> str:
    """The digest of a file with its companions, or of a folder as a tree: relative names and contents, nothing else.

    A file's companions are those beside it whose names continue its own: ``model.onnx`` has ``model.onnx.data`` and
    ``model.onnx_data``.

    Raises:
        OSError: If something in it cannot be read.
    """
    files = source_files(path, cache)
    listing = [
        (name, cache.get(file, "sha256", lambda file=file: digest_file(file)))  # type: ignore[misc]  # mypy cannot infer a default argument
        for name, file in files
    ]
    alone = len(files) == 1 and files[0][1] is path
    return listing[0][1] if alone else digest_listing(listing)


def source_files(path: Path, cache: StatCache) -> list[tuple[str, Path]]:
    """The files that ``path`` stands for, by relative name: the file and its companions, or all in the folder.

    A path of which there is nothing stands for itself.
    """
    if path.is_dir():
        return [(name, path / name) for name in walk(path).files]
    try:
        names = cache.names(path.parent)
    except OSError:
        names = []
    longer = [name for mark in "._" for name in _beginning_with(path.name + mark, names)]
    beside = [path.with_name(name) for name in longer]
    return [(file.name, file) for file in (path, *(file for file in beside if file.is_file()))]


def _beginning_with(start: str, names: list[str]) -> list[str]:
    """Those of sorted ``names`` that begin with ``start``."""
    after = start[:-1] + chr(ord(start[-1]) + 1)
    return names[bisect_left(names, start) : bisect_left(names, after)]
