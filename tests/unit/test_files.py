from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.files import walk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "a").write_text("1")
    (tmp_path / "data" / "sub" / "b").write_text("2")
    return tmp_path / "data"


def test_links_to_other_folders_are_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c").write_text("3")
    (folder / "one").symlink_to(tmp_path / "elsewhere")
    (folder / "two").symlink_to(tmp_path / "elsewhere")
    assert sorted(walk(folder).files) == ["a", "one/c", "sub/b", "two/c"]
    assert walk(folder).circles == []


@pytest.mark.parametrize("target", [".", "..", "../data", "../.."])
def test_a_link_to_a_folder_that_it_is_in_is_left_out(folder: Path, target: str) -> None:
    (folder / "loop").symlink_to(target)
    assert (walk(folder).files, walk(folder).circles) == (["a", "sub/b"], ["loop"])


def test_two_links_into_each_others_folder_end(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "c").write_text("3")
    (folder / "sub" / "x").symlink_to("../other")
    (folder / "other" / "y").symlink_to("../sub")
    tree = walk(folder)
    assert sorted(tree.files) == ["a", "other/c", "other/y/b", "sub/b", "sub/x/c"]
    assert sorted(tree.circles) == ["other/y/x", "sub/x/y"]


def test_a_circle_does_not_count_for_the_digest(folder: Path) -> None:
    plain = digest_source(folder, StatCache(None))
    (folder / "one").symlink_to(".")
    (folder / "sub" / "two").symlink_to("..")
    assert digest_source(folder, StatCache(None)) == plain


def test_a_folder_named_through_a_link_is_walked(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(folder)
    assert walk(tmp_path / "alias") == walk(folder)
