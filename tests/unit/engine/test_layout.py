from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.inprocess import run

from recipebuild.engine.layout import FILE, LAYOUT
from recipebuild.engine.remote import Remote
from recipebuild.engine.store import Store
from recipebuild.errors import MissingError, RecipeError


def test_the_first_write_leaves_the_layout(make_store: Callable[[], Store]) -> None:
    store = make_store()
    assert not store.root.exists()
    _ = store.workspaces
    assert (store.root / FILE).read_text() == f"{LAYOUT}\n"
    make_store()


@pytest.mark.parametrize("text", [None, ""])
def test_a_store_from_before_there_was_such_a_file_is_of_layout_1(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "actions").mkdir()
    if text is not None:
        (tmp_path / FILE).write_text(text)
    Store(tmp_path)


@pytest.mark.parametrize("text", [f"{LAYOUT + 1}\n", "garbage"])
def test_a_store_of_another_layout_is_an_error_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RecipeError, match=f"layout {text.strip()}.* knows {LAYOUT}") as caught:
        Store(tmp_path)
    assert "--store" in caught.value.remedy


def test_a_remote_store_of_another_layout_is_not_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"{LAYOUT + 1}\n")
    with pytest.raises(MissingError, match=f"layout {LAYOUT + 1}"):
        Remote(f"file://{tmp_path}").look("a" * 64)


@pytest.mark.parametrize("arguments", [["plan", "quickstart"], ["cache", "stats"]])
def test_the_command_ends_with_2(tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / FILE).write_text(f"{LAYOUT + 1}\n")
    failed = run(monkeypatch, [*arguments, "--store", str(tmp_path / "store")])
    assert failed.code == 2
    assert f"layout {LAYOUT + 1}" in failed.err and "--store" in failed.err
