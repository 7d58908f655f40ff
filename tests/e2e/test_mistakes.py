"""Wrong recipes and command lines: the message names the place, the field or option, and what to do about it.

The table is in mistakes.yaml. They are run in this process, as there are more than a hundred; ``test_cli.py`` and
``test_bad_input.py`` run some in a process of their own.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.inprocess import run

from recipebuild.resources import shipped

RIGHT = """\
extends: base/segformer.yaml
model: {source: ./model}
input:
  shape: [1, 3, 64, 128]
calibration:
  source: ./images
  count: 4
"""
TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: recipes/ with a model, images and labelled images, and files that are nothing."""
    root = tmp_path_factory.mktemp("user")
    quickstart = shipped("recipes") / "quickstart"
    for place in (root, root / "recipes"):
        for name in ("model", "images"):
            (place / name).mkdir(parents=True)
        shutil.copy(quickstart / "model" / "config.json", place / "model")
        shutil.copy(quickstart / "calibration" / "street-00.jpg", place / "images" / "a.jpg")
        (place / "notes.txt").write_text("milk, bread\n")
    for name in ("images", "labels"):
        (root / "recipes" / "labelled" / name).mkdir(parents=True)
    for name, text in (("broken", "{model_type: segformer}"), ("strange", "[1, 2]")):
        (root / "recipes" / name).mkdir()
        (root / "recipes" / name / "config.json").write_text(text)
    (root / "broken.json").write_text('{"quant": {\n  "calibration_method": "MinMx"}}\n')
    return root


def recipe(change: dict[str, str] | str | None) -> str:
    """The text of recipes/mine.yaml."""
    if not isinstance(change, dict):
        return RIGHT if change is None else change
    ((old, new),) = change.items()
    assert old in RIGHT
    return RIGHT.replace(old, new, 1)


@pytest.mark.parametrize("mistake", TABLE, ids=lambda mistake: mistake["name"].replace(" ", "-"))
def test_a_mistake_is_told_with_its_place_and_a_way_out(
    mistake: dict[str, Any], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    (folder / "recipes" / "mine.yaml").write_text(recipe(mistake.get("recipe")))
    result = run(monkeypatch, shlex.split(mistake.get("run", "check recipes/mine.yaml")))
    text = result.out + result.err
    assert result.code == mistake.get("code", 2), text
    for words in mistake["says"]:
        assert words in text, text
    assert len(mistake["says"]) >= 2, "the table names both the place and the way out"
    assert has_a_way_out(text), text
    assert not re.search(r"pydantic|Traceback|loc=|type=|\bNone\b|Errno", text), text


def has_a_way_out(text: str) -> bool:
    """Whether below the first line something is said besides the line of the recipe that is shown.

    Of options typer says itself what they take, in its one line.
    """
    lines = text.splitlines()
    sentences = [line for line in lines[1:] if not re.match(r" *\d+ \| | +\| *\^", line)]
    return any(line.startswith(("  ", "Try ")) for line in sentences) or lines[0].startswith("Error: Option")


def test_there_are_more_than_sixty_and_each_is_there_once() -> None:
    names = [mistake["name"] for mistake in TABLE]
    assert len(names) >= 60 and len(set(names)) == len(names)


def test_several_mistakes_are_told_at_once_in_the_order_of_the_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    wrong = RIGHT.replace("./model", "./modle").replace("128", "many").replace("count: 4", "count: 0")
    (folder / "recipes" / "mine.yaml").write_text(wrong)
    result = run(monkeypatch, ["check", "recipes/mine.yaml"])
    assert re.findall(r"mine\.yaml:(\d+):\d+: ([\w.]+)", result.err) == [
        ("2", "model.source"), ("4", "input.shape"), ("7", "calibration.count"),
    ]  # fmt: skip
