"""Recipes of models that take more than an image, or none."""

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
    (mask,) = variant.recipe.more_inputs
    assert (mask.name, mask.shape, mask.source) == ("mask", (1, 1, 4, 8), str(folder / "masks"))


@pytest.mark.parametrize(
    ("sets", "field", "words"),
    [
        ("model.source=./net", "model.source", "come as .onnx files"),
        ("calibration.format=Numpy", "calibration.format", "format: NumpyObject"),
        ("evaluate.dataset=./labelled", "evaluate", "model.task: other holds its outputs against"),
        ("model.task=other", "head.kind", "taken as they are"),
        ("more_inputs=[{name: pixel_values, shape: [1], source: ./masks}]", "more_inputs.0.name", "input.name"),
        ("more_inputs=[{name: mask, shape: [1], source: ./nowhere}]", "more_inputs.0.source", "no such folder"),
        ("more_inputs=[{name: mask, shape: [0], source: ./masks}]", "more_inputs.shape", "each value must be"),
    ],
)
def test_what_does_not_go_with_them_is_told(folder: Path, sets: str, field: str, words: str) -> None:
    with pytest.raises(RecipeProblems) as caught:
        load("r.yaml", sets=[sets], cwd=folder)
    messages = {problem.field: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}
    assert words in messages[field], messages


def test_of_other_tasks_what_is_given_is_held_against_the_float_model(folder: Path) -> None:
    sets = ["model.task=other", "head.kind=none", "evaluate.dataset=./masks"]
    (variant,) = load("r.yaml", sets=sets, cwd=folder)
    assert variant.recipe.evaluate is not None
    with pytest.raises(RecipeProblems) as caught:
        load("r.yaml", sets=[*sets, "evaluate.layout=images"], cwd=folder)
    assert [problem.field for problem in caught.value.problems] == ["evaluate.layout"]


ALL = """\
model: {source: ./net.onnx}
inputs:
  - {kind: tensor, name: state, shape: [2, 1, 64], dtype: float32, source: ./masks}
  - {kind: image, name: frame, shape: [1, 3, 64, 128], mean: [1, 2, 3], std: [4, 5, 6]}
  - {kind: tensor, name: rate, shape: [], dtype: int64, source: ./masks}
calibration: {source: ./images}
"""


def test_one_list_describes_all_that_a_model_takes(folder: Path) -> None:
    (folder / "all.yaml").write_text(ALL)
    (variant,) = load("all.yaml", cwd=folder)
    recipe = variant.recipe
    assert recipe.image is not None
    assert (recipe.image.name, recipe.image.mean) == ("frame", (1, 2, 3))
    assert [(each.name, each.shape, each.dtype) for each in recipe.tensors] == [
        ("state", (2, 1, 64), "float32"),
        ("rate", (), "int64"),
    ]
    assert recipe.tensors[0].source == str(folder / "masks")
    assert recipe.calibration_format == "NumpyObject"


def test_the_short_forms_say_the_same(folder: Path) -> None:
    (folder / "all.yaml").write_text(ALL)
    (folder / "short.yaml").write_text(
        """\
model: {source: ./net.onnx}
input: {name: frame, shape: [1, 3, 64, 128], mean: [1, 2, 3], std: [4, 5, 6]}
more_inputs:
  - {name: state, shape: [2, 1, 64], dtype: float32, source: ./masks}
  - {name: rate, shape: [], dtype: int64, source: ./masks}
calibration: {source: ./images}
"""
    )
    (long,), (short,) = load("all.yaml", cwd=folder), load("short.yaml", cwd=folder)
    assert (long.recipe.image, long.recipe.tensors) == (short.recipe.image, short.recipe.tensors)


def test_a_model_of_tensors_needs_no_images(folder: Path) -> None:
    (folder / "audio.yaml").write_text(
        "model: {source: ./net.onnx}\ninputs: [{kind: tensor, name: audio, shape: [1, 512], source: ./masks}]\n"
    )
    (variant,) = load("audio.yaml", cwd=folder)
    assert (variant.recipe.image, variant.recipe.calibration.count) == (None, 32)


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("", "input", "is missing"),
        ("inputs: []\n", "input", "is missing"),
        ("inputs: [{kind: video, name: a}]\n", "inputs.kind", "must be image, tensor or tokens, got video"),
        ("inputs: [{name: a, shape: [1], source: ./masks}]\n", "inputs.kind", "kind: tensor"),
        ("inputs: [{kind: tensor, name: a, shape: [1]}]\n", "inputs.0.source", "nothing says what it is fed"),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], dtype: float8, source: ./masks}]\n",
            "inputs.dtype",
            "must be float32",
        ),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], source: ./nowhere}]\n",
            "inputs.0.source",
            "no such folder",
        ),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], source: ./net.onnx}]\n",
            "inputs.0.source",
            "neither a folder nor an archive",
        ),
        (
            "inputs: [{kind: image, shape: [1, 3, 8, 8], mean: [0, 0, 0], std: [1, 1, 1]}]\n",
            "calibration",
            "is missing",
        ),
        (
            "inputs: [{kind: image, shape: [1, 3, 8, 8], mean: [0, 0, 0], std: [1, 1, 1]}]\ncalibration: {count: 3}\n",
            "calibration.source",
            "is missing",
        ),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], source: ./masks}]\ncalibration: {source: ./images}\n",
            "calibration.source",
            "takes no image",
        ),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], source: ./masks}]\n"
            "more_inputs: [{name: b, shape: [1], source: ./masks}]\n",
            "more_inputs",
            "move them to inputs",
        ),
        (
            "inputs: [{kind: tensor, name: a, shape: [1], source: ./masks},"
            " {kind: tensor, name: a, shape: [1], source: ./masks}]\n",
            "inputs.1.name",
            "`a` is already inputs.0.name",
        ),
    ],
)
def test_what_is_wrong_with_inputs_is_told(folder: Path, text: str, field: str, words: str) -> None:
    (folder / "bad.yaml").write_text(f"model: {{source: ./net.onnx}}\n{text}")
    with pytest.raises(RecipeProblems) as caught:
        load("bad.yaml", cwd=folder)
    messages = {problem.field: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}
    assert words in messages.get(field, ""), messages


@pytest.mark.parametrize(
    ("image", "sets", "field", "words"),
    [
        ("[1, 1, 8, 8], mean: [0], std: [1]", [], "input.shape", "has 1 channels, and RGB has 3"),
        ("[1, 4, 8, 8], color: GRAY, mean: [0], std: [1]", [], "input.shape", "color: RGBA"),
        ("[1, 1, 8, 8], color: GRAY, mean: [0, 0], std: [1]", [], "input.mean", "must have 1 values"),
        ("[1, 4, 8, 8], color: RGBA, mean: [0, 0, 0], std: [1, 1, 1, 1]", [], "input.mean", "must have 4 values"),
        ("[1, 2, 8, 8], mean: [0], std: [1]", [], "input.shape", "must be 1, 3 or 4"),
        (
            "[1, 1, 8, 8], color: GRAY, mean: [0], std: [1]",
            ["target.runtime_input.format=YUV420SP"],
            "target.runtime_input.format",
            "nothing makes GRAY of YUV420SP",
        ),
    ],
)
def test_each_channel_has_its_colour_and_numbers(
    folder: Path, image: str, sets: list[str], field: str, words: str
) -> None:
    (folder / "bad.yaml").write_text(
        f"model: {{source: ./net.onnx}}\ninput: {{shape: {image}}}\ncalibration: {{source: ./images}}\n"
    )
    with pytest.raises(RecipeProblems) as caught:
        load("bad.yaml", sets=sets, cwd=folder)
    messages = {problem.field: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}
    assert words in messages.get(field, ""), messages


TEXT = """\
model: {source: ./bert, task: feature-extraction}
inputs: [{kind: tokens, length: 16, source: ./texts.txt}]
head: {kind: none}
evaluate: {dataset: ./heldout.jsonl}
"""


@pytest.fixture
def of_text(folder: Path) -> Path:
    (folder / "bert").mkdir()
    (folder / "bert" / "config.json").write_text('{"model_type": "bert"}')
    (folder / "texts.txt").write_text("a cat\n")
    (folder / "heldout.jsonl").write_text('{"text": "a dog"}\n')
    (folder / "text.yaml").write_text(TEXT)
    return folder


def test_a_model_of_text_takes_what_its_tokenizer_gives(of_text: Path) -> None:
    (variant,) = load("text.yaml", cwd=of_text)
    recipe = variant.recipe
    assert [(each.name, each.shape, each.dtype) for each in recipe.tensors] == [
        ("input_ids", (1, 16), "int32"),
        ("attention_mask", (1, 16), "int32"),
    ]
    assert recipe.tokens is not None and recipe.tokens.source == str(of_text / "texts.txt")
    assert (recipe.image, recipe.calibration_format, recipe.calibration.count) == (None, "NumpyObject", 32)


TOKENS = "{kind: tokens, length: 16, source: ./texts.txt}"


@pytest.mark.parametrize(
    ("sets", "field", "words"),
    [
        ("inputs=[{kind: tokens, length: 0, source: ./texts.txt}]", "inputs.length", "1"),
        ("inputs=[{kind: tokens, length: 16}]", "inputs.source", "is missing"),
        ("inputs=[{kind: tokens, length: 16, names: [], source: ./texts.txt}]", "inputs.0.names", "takes input_ids"),
        ("inputs=[{kind: tokens, length: 16, names: [ids], source: ./texts.txt}]", "inputs.names", "input_ids"),
        (
            "inputs=[{kind: tokens, length: 16, names: [attention_mask], source: ./texts.txt}]",
            "inputs.0.names",
            "takes input_ids",
        ),
        ("inputs=[{kind: tokens, length: 16, source: ./text.txt}]", "inputs.0.source", "did you mean"),
        ("inputs=[{kind: tokens, length: 16, source: ./net.onnx}]", "inputs.0.source", "no file of texts"),
        (f"inputs=[{TOKENS}, {{kind: tensor, name: a, shape: [1], source: ./masks}}]", "inputs.0", "nothing else"),
        ("inputs=[{kind: tensor, name: a, shape: [1], source: ./masks}]", "inputs", "is for models of text"),
        ("model.task=image-feature-extraction", "model.task", "task: feature-extraction"),
        ("model.source=./net.onnx", "model.source", "has no tokenizer"),
        ("model.features=patches", "model.features", "say cls or mean or pooled"),
        ("head.kind=argmax", "head.kind", "head: {kind: none}"),
        ("evaluate.dataset=./masks", "evaluate.dataset", "one text a line"),
        ("evaluate.metric=top1", "evaluate.metric", "say cosine or retrieval"),
    ],
)
def test_what_is_wrong_with_text_is_told(of_text: Path, sets: str, field: str, words: str) -> None:
    with pytest.raises(RecipeProblems) as caught:
        load("text.yaml", sets=[sets], cwd=of_text)
    messages = {problem.field: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}
    assert words in messages.get(field, ""), messages
