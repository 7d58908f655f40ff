from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.files import digest_file


class Counting:
    """A computation that counts how often it is asked."""

    def __init__(self, path: Path) -> None:
        self.path, self.calls = path, 0

    def __call__(self) -> str:
        self.calls += 1
        return digest_file(self.path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("content")
    time.sleep(0.05)  # past the timestamp's resolution
    return path


def test_an_unchanged_file_is_read_once(file: Path, tmp_path: Path) -> None:
    compute = Counting(file)
    for _ in range(3):
        stats = StatCache(tmp_path / "stat.sqlite")
        assert stats.get(file, "sha256", compute) == digest_file(file)
        stats.flush()
    assert compute.calls == 1


def test_what_is_read_ahead_answers_for_the_folder_and_only_while_files_are_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "d%_ é"
    paths = [folder / "a", folder / "deep" / "b", tmp_path / "d%_ é2"]
    (folder / "deep").mkdir(parents=True)
    for path in paths:
        path.write_text(path.name)
    time.sleep(0.05)
    stats = StatCache(tmp_path / "stat.sqlite")
    for path in paths:
        stats.get(path, "sha256", Counting(path))
    stats.flush()
    stats = StatCache(tmp_path / "stat.sqlite")
    stats.read_ahead(folder)
    computes = [Counting(path) for path in paths]
    (tmp_path / "stat.sqlite").unlink()
    paths[1].write_text("B")
    values = [stats.get(path, "sha256", compute) for path, compute in zip(paths, computes, strict=True)]
    assert values == [digest_file(path) for path in paths]
    assert [compute.calls for compute in computes] == [0, 1, 0]  # the third by a query of its own: the file is open


def test_one_file_under_all_spellings_of_its_path(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stats, compute = StatCache(None), Counting(file)
    for name in (file, "file", "./file", f"{tmp_path}/../{tmp_path.name}/file", f"{tmp_path}//file"):
        stats.get(name, "sha256", compute)
    assert compute.calls == 1


def test_a_changed_file_is_read_again_even_with_its_old_time_and_size(file: Path, tmp_path: Path) -> None:
    stats = StatCache(tmp_path / "stat.sqlite")
    old = stats.get(file, "sha256", Counting(file))
    stats.flush()
    state = file.stat()
    file.write_text("CONTENT")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert StatCache(tmp_path / "stat.sqlite").get(file, "sha256", Counting(file)) != old


def test_a_file_younger_than_its_timestamp_is_never_trusted(tmp_path: Path) -> None:
    path = tmp_path / "young"
    stats = StatCache(tmp_path / "stat.sqlite")
    compute = Counting(path)
    path.write_text("a")
    stats.get(path, "sha256", compute)
    stats.get(path, "sha256", compute)
    assert compute.calls == 2


@pytest.mark.parametrize("damage", ["garbage", "folder"])
def test_a_broken_database_costs_time_only(file: Path, tmp_path: Path, damage: str) -> None:
    place = tmp_path / "stat.sqlite"
    place.write_bytes(b"garbage" * 1000) if damage == "garbage" else place.mkdir()
    stats = StatCache(place)
    assert stats.get(file, "sha256", Counting(file)) == digest_file(file)
    stats.flush()


def test_a_folder_counts_by_names_and_contents(tmp_path: Path) -> None:
    def digest() -> str:
        return digest_source(tmp_path / "folder", StatCache(None))

    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "a").write_text("1")
    (tmp_path / "folder" / "sub" / "b").write_text("2")
    first = digest()
    (tmp_path / "folder").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rename(tmp_path / "folder")
    assert digest() == first
    (tmp_path / "folder" / "a").rename(tmp_path / "folder" / "c")
    assert digest() != first


def test_a_file_counts_with_the_companions_that_continue_its_name(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"

    def digest() -> str:
        return digest_source(model, StatCache(None))

    model.write_text("graph")
    (tmp_path / "other.txt").write_text("a neighbour")
    assert digest() == digest_file(model)
    (tmp_path / "model.onnx_data").write_text("weights")
    first = digest()
    assert first != digest_file(model)
    (tmp_path / "model.onnx_data").write_text("WEIGHTS")
    assert digest() != first


def test_a_name_that_another_one_continues_otherwise_is_no_companion(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_text("graph")
    for other in ("model.onnx2", "model.onnx-data", "model", "model.onnxx.data"):
        (tmp_path / other).write_text("a neighbour")
    (tmp_path / "model.onnx.folder").mkdir()
    assert digest_source(model, StatCache(None)) == digest_file(model)


def test_a_companion_that_comes_while_we_look_counts(tmp_path: Path) -> None:
    model, stats = tmp_path / "model.onnx", StatCache(None)
    model.write_text("graph")
    time.sleep(0.05)  # the folder's names are remembered from here on
    alone = digest_source(model, stats)
    (tmp_path / "model.onnx.data").write_text("weights")
    assert digest_source(model, stats) != alone


def test_a_folder_of_many_sources_is_listed_once(tmp_path: Path) -> None:
    for n in range(100):
        (tmp_path / str(n)).write_text(str(n))
    time.sleep(0.05)
    stats = StatCache(None)
    first = stats.names(tmp_path)
    assert first == sorted(str(n) for n in range(100))
    assert stats.names(tmp_path) is first


@pytest.mark.parametrize("name", ["what?", "number#1", "100%20", "a b"])
def test_a_database_that_cannot_be_written_is_read_whatever_its_folder_is_called(
    file: Path, tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    place.mkdir()
    written = StatCache(place / "stat.sqlite")
    written.get(file, "sha256", Counting(file))
    written.flush()
    with read_only(place):
        compute = Counting(file)
        StatCache(place / "stat.sqlite").get(file, "sha256", compute)
    assert compute.calls == 0


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A read-only mount of ``folder`` on itself, with a journal that a killed writer left behind."""
    (folder / "stat.sqlite-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    for options in (["--bind", str(folder), str(folder)], ["-o", "remount,bind,ro", str(folder)]):
        if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
