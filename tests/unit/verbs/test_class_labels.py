"""``check`` tells a wrong number of names in ``evaluate.labels`` before anything is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support.detectors import DETECTOR, INPUT, NAMES, detector_model, squares

import recipebuild
from recipebuild.recipe.problems import Problem

RECIPE = """\
model: {{source: {source}}}
input: {{shape: [1, 3, 16, 32], mean: [0, 0, 0], std: [1, 1, 1]}}
calibration: {{source: photos}}
head: {{kind: {head}}}
evaluate:
  dataset: data
  labels: {labels}
"""


def problems(folder: Path, source: str, labels: list[str], head: str = "argmax") -> list[Problem]:
    for name in ("photos", "data/images", "data/labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB" if name != "data/labels" else "L", (32, 16)).save(folder / name / "a.png")
    recipe = folder / "mine.yaml"
    recipe.write_text(RECIPE.format(source=source, labels=labels, head=head))
    return list(recipebuild.check(str(recipe))[0].problems)


@pytest.mark.parametrize("config", [{"num_labels": 3}, {"id2label": {"0": "a", "1": "b", "2": "c"}}])
def test_of_a_folder_config_json_tells(tmp_path: Path, config: dict[str, object]) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text(json.dumps({"model_type": "segformer"} | config))
    (problem,) = problems(tmp_path, "./model", ["apple", "pear"])
    assert problem.field == "evaluate.labels"
    assert problem.message == "2 names, but the model has 3 classes"
    assert problem.place.line == 7
    assert problems(tmp_path, "./model", ["apple", "pear", "plum"]) == []


def test_of_one_class_there_is_a_background(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text('{"model_type": "segformer", "num_labels": 1}')
    assert problems(tmp_path, "./model", ["road", "crack"], head="threshold") == []
    (problem,) = problems(tmp_path, "./model", ["crack"], head="threshold")
    assert "the model has 2 classes" in problem.message


def test_of_an_onnx_file_its_output_tells(tmp_path: Path, small_onnx: Path) -> None:
    (problem,) = problems(tmp_path, str(small_onnx), ["apple", "pear"])
    assert problem.message == "2 names, but the model has 6 classes"


def test_of_a_detector_the_recipe_tells(tmp_path: Path) -> None:
    path = detector_model(tmp_path / "model.onnx")  # whose output has 7 rows
    values = {"model": {"source": str(path), "task": "object-detection", "outputs": ["grid"]}, "input": INPUT}
    values |= {"head": {"kind": "none"}, "detector": DETECTOR, "calibration": {"source": "data/images"}}
    squares(tmp_path / "data")
    for labels, count in ((NAMES, 0), (NAMES[:2], 1)):
        evaluate = {"dataset": "data", "layout": "coco", "labels": labels}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**values, "evaluate": evaluate}))
        assert len(recipebuild.check(str(tmp_path / "mine.yaml"))[0].problems) == count


def test_of_a_model_of_the_hub_its_family_tells(tmp_path: Path) -> None:
    source = "nvidia/segformer-b0-finetuned-ade-512-512"
    (problem,) = problems(tmp_path, source, ["apple", "pear"])
    assert problem.message == "2 names, but the model has 150 classes"
