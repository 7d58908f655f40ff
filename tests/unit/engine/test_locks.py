"""Locks between processes, which two descriptors of one process hold against each other just as well."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from recipebuild.engine.locks import acquire, release


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_lock_is_had_by_one_at_a_time_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = acquire(path)
    assert first is not None
    assert not path.stat().st_mode & 0o111, "no program"
    assert acquire(path) is None
    release(first, path)
    assert not path.exists()
    second = acquire(path)
    assert second is not None
    release(second, path)


def test_one_that_is_not_had_leaves_no_open_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    lock = acquire(path)
    before = descriptors()
    assert acquire(path) is None
    assert descriptors() == before
    assert lock is not None
    release(lock, path)


def test_a_lock_on_a_file_that_its_last_holder_removed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    lock = fcntl.flock

    def removed_before(descriptor: int, how: int) -> None:
        path.unlink()
        lock(descriptor, how)

    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", removed_before)
        assert acquire(path) is None
    path.touch()
    other = path.open("rb")  # keeps the number of the removed file from being given out again

    def replaced_before(descriptor: int, how: int) -> None:
        path.unlink()
        path.with_name("new").touch()
        path.with_name("new").rename(path)
        lock(descriptor, how)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", replaced_before)
        assert acquire(path) is None
    other.close()
    assert descriptors() == before


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        acquire(tmp_path / "nowhere" / "key")


def test_an_error_of_the_system_leaves_no_open_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int, how: int) -> None:
        raise OSError("no locks on this file system")

    before = descriptors()
    monkeypatch.setattr(fcntl, "flock", fails)
    with pytest.raises(OSError, match="no locks"):
        acquire(tmp_path / "key")
    assert descriptors() == before


def test_a_lock_whose_file_is_gone_is_given_back_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "key"
    lock = acquire(path)
    assert lock is not None
    path.unlink()
    release(lock, path)
    with pytest.raises(OSError):
        os.fstat(lock)
