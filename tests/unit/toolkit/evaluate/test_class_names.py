"""What classes are called: by the recipe, else by the model, else by the dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.palette import CITYSCAPES

FRUIT = [f"fruit {i}" for i in range(19)]
ROADS = [label.name for label in CITYSCAPES]
UNKNOWN = [f"class {i}" for i in range(19)]


def config(folder: Path, names: Any) -> Path:
    id2label = {str(i): name for i, name in enumerate(names)} if isinstance(names, list) else names
    path = folder / "config.json"
    path.write_text(json.dumps({"id2label": id2label}))
    return path


@pytest.mark.parametrize("cityscapes", [False, True])
def test_nineteen_classes_of_a_model_are_called_as_it_says(tmp_path: Path, cityscapes: bool) -> None:
    assert class_names(19, config=config(tmp_path, FRUIT), cityscapes=cityscapes) == FRUIT


@pytest.mark.parametrize("names", [None, [], {"a": "b"}, [f"LABEL_{i}" for i in range(19)]])
def test_a_model_without_names_has_numbers_or_those_of_cityscapes_datasets(tmp_path: Path, names: Any) -> None:
    assert class_names(19, config=config(tmp_path, names)) == UNKNOWN
    assert class_names(19, config=config(tmp_path, names), cityscapes=True) == ROADS


def test_an_onnx_file_has_no_names(tmp_path: Path) -> None:
    assert class_names(19) == class_names(19, config=tmp_path / "model.onnx" / "config.json") == UNKNOWN
    assert class_names(20, cityscapes=True)[19] == "class 19"


def test_a_class_that_the_model_does_not_name_has_its_number(tmp_path: Path) -> None:
    assert class_names(4, config=config(tmp_path, ["apple", "LABEL_1", " big \n pear"])) == [
        "apple", "class 1", "big pear", "class 3"
    ]  # fmt: skip


def test_the_recipes_names_win(tmp_path: Path) -> None:
    labels = ["a", "b", "c"]
    assert class_names(3, labels=labels, config=config(tmp_path, FRUIT)) == labels
    with pytest.raises(StepError, match=r"^evaluate\.labels: 3 names, but the model has 19 classes"):
        class_names(19, labels=labels)


def test_of_a_network_of_one_class_0_is_the_background(tmp_path: Path) -> None:
    assert class_names(2, config=config(tmp_path, ["crack"])) == ["background", "crack"]
    assert class_names(2, config=config(tmp_path, ["cat", "dog"])) == ["cat", "dog"]
