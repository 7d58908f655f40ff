"""Where the store is when nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.engine.store import own_store


def test_it_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert own_store() == tmp_path / "cache" / "recipebuild"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert own_store() == tmp_path / ".cache" / "recipebuild"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert own_store() == tmp_path / ".cache" / "recipebuild"


def test_it_stays_where_it_is_when_the_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert own_store() == tmp_path / "here" / "recipebuild"
