"""How a build was made: the command that builds the same, and the commit of the recipe."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from recipebuild.results.made import made
from recipebuild.session import Options


def test_the_command_builds_the_same(tmp_path: Path) -> None:
    (tmp_path / "a b.yaml").write_text("name: x")
    record = made(str(tmp_path / "a b.yaml"), Options(sets=["input.shape=[1, 3, 8, 8]"], until="verify"))
    assert record["command"] == (
        f"recipebuild run '{tmp_path}/a b.yaml' --set 'input.shape=[1, 3, 8, 8]' --until verify"
    )
    assert record["date"].endswith("Z") and "commit" not in record


def test_the_commit_is_that_of_the_recipes_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AUTHOR", "A"), ("COMMITTER", "C")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", tmp_path, *words], capture_output=True, text=True, check=True).stdout

    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: x")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "v1")
    head = git("rev-parse", "HEAD").strip()
    assert made(str(recipe), Options())["commit"] == head
    assert made(str(recipe), Options(device="cuda:1"))["command"].endswith("--device cuda:1")
    recipe.write_text("name: y")
    assert made(str(recipe), Options())["commit"] == f"{head}-dirty"
