"""A folder with a model, images and a dataset, and a small good recipe that tests change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.recipe.load import Variant, load
from recipebuild.recipe.problems import Problem, RecipeProblems

GOOD = """\
model:
  source: ./net
input:
  shape: [1, 3, 64, 128]
  mean: [123.675, 116.28, 103.53]
  std: [58.395, 57.12, 57.375]
calibration:
  source: ./images
"""

MARK = "«"
"""In a test's recipe: the place that the error must point at."""


class Desk:
    """Writes recipes to a folder and loads them from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, text: str, *sets: str, name: str = "r.yaml") -> list[Variant]:
        self.write(name, text)
        return load(name, sets=sets, cwd=self.folder)

    def one(self, text: str, *sets: str) -> Variant:
        (variant,) = self.load(text, *sets)
        return variant

    def problems(self, text: str, *sets: str, name: str = "r.yaml") -> list[Problem]:
        with pytest.raises(RecipeProblems) as caught:
            self.load(text, *sets, name=name)
        assert caught.value.exit_code == 2
        return caught.value.problems

    def problem(self, text: str, *sets: str, name: str = "r.yaml") -> Problem:
        problems = self.problems(text, *sets, name=name)
        assert len(problems) == 1, "\n".join(map(str, problems))
        return problems[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("net/config.json", '{"model_type": "segformer"}')
    desk.write("images/a.jpg", b"")
    desk.write("streets.tar", b"")
    desk.write("net.onnx", b"")
    desk.write("labelled/images/a.jpg", b"")
    desk.write("labelled/labels/a.png", b"")
    return desk


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def marked() -> Callable[[str], tuple[str, int, int]]:
    """Takes the mark out of a text; gives the text, and the mark's line and column."""

    def split(text: str) -> tuple[str, int, int]:
        before, mark, after = text.partition(MARK)
        assert mark, "the case does not say where"
        return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")

    return split
