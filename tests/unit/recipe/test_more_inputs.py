"""Recipes of models that take more than an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.recipe.load import load
from recipebuild.recipe.problems import RecipeProblems

RECIPE = """\
model: {source: ./net.onnx}
input: {shape: [1, 3, 64, 128], mean: [0, 0, 0], std: [1, 1, 1]}
more_inputs:
  - {name: mask, shape: [1, 1, 4, 8], source: ./masks}
calibration: {source: ./images, format: NumpyObject}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("masks", "images", "labelled/images", "labelled/labels", "net"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "net.onnx").touch()
    (tmp_path / "net" / "config.json").write_text('{"model_type": "segformer"}')
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


def test_their_sources_are_relative_to_the_recipe(folder: Path) -> None:
    (variant,) = load("r.yaml", cwd=folder)
    (given,) = variant.recipe.more_inputs
    assert (given.name, given.shape, given.source) == ("mask", (1, 1, 4, 8), str(folder / "masks"))


@pytest.mark.parametrize(
    ("sets", "field", "words"),
    [
        ("model.source=./net", "model.source", "come as .onnx files"),
        ("calibration.format=Numpy", "calibration.format", "format: NumpyObject"),
        ("target.toolchain=onnxruntime", "target.toolchain", "toolchain: pulsar2"),
        ("evaluate.dataset=./labelled", "evaluate", "leave evaluate out"),
        ("more_inputs=[{name: pixel_values, shape: [1], source: ./masks}]", "more_inputs.0.name", "input.name"),
        ("more_inputs=[{name: mask, shape: [1], source: ./nowhere}]", "more_inputs.0.source", "no such folder"),
        ("more_inputs=[{name: mask, shape: [0], source: ./masks}]", "more_inputs.shape", "each value must be"),
    ],
)
def test_what_does_not_go_with_them_is_told(folder: Path, sets: str, field: str, words: str) -> None:
    with pytest.raises(RecipeProblems) as caught:
        load("r.yaml", sets=[sets], cwd=folder)
    found = {problem.field: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}
    assert words in found[field], found
