"""``new`` on detectors as Ultralytics export them: cut before the boxes are decoded."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from support.detectors import detector_model, squares
from support.graphs import graph

import recipebuild
from recipebuild.recipe.load import load
from recipebuild.verbs.new import new


def apart(first: int, second: int, rows: int) -> onnx.ModelProto:
    """Two grids of these channels, which are decoded into that many rows."""
    return graph(f"""(float[1,3,64,64] x, float[{first},3,8,8] w, float[{second},3,8,8] v)
        => (float[1,{rows},64] y) {{
        boxes = Conv <strides = [8, 8]> (x, w)
        classes = Conv <strides = [8, 8]> (x, v)
        flat = Constant <value_ints = [1, -1, 64]> ()
        a = Reshape (boxes, flat)
        b = Reshape (classes, flat)
        c = Concat <axis = 1> (a, b)
        four = Constant <value_ints = [0]> ()
        end = Constant <value_ints = [{rows}]> ()
        one = Constant <value_ints = [1]> ()
        y = Slice (c, four, end, one)
    }}""")


def test_its_grids_classes_and_input_are_proposed(tmp_path: Path) -> None:
    path = detector_model(tmp_path / "model.onnx")
    images = squares(tmp_path / "data") / "images"
    made = new(str(path), tmp_path / "mine.yaml", sets=[f"calibration.source={images}"])
    (checked,) = recipebuild.check([str(tmp_path / "mine.yaml")], recipebuild.Options())
    assert not checked.problems
    recipe = load(str(tmp_path / "mine.yaml"), cwd=tmp_path)[0].recipe
    assert recipe.model.task == "object-detection" and recipe.model.outputs == ("grid",)
    assert recipe.detector is not None
    assert (recipe.detector.kind, recipe.detector.classes) == ("yolov8", 3)
    assert recipe.input.name == "images" and recipe.input.resize == "letterbox"
    assert (recipe.input.mean, recipe.input.std) == ((0, 0, 0), (255, 255, 255))
    assert recipe.head.kind == "none" and recipe.calibration.format == "Numpy"
    assert set(made.open) == {"input.resize", "input.color", "input.mean", "input.std"}


def test_what_ultralytics_wrote_is_fed_as_they_train(tmp_path: Path) -> None:
    model = onnx.load(detector_model(tmp_path / "model.onnx"))
    model.metadata_props.add(key="author", value="Ultralytics")
    onnx.save(model, tmp_path / "model.onnx")
    assert not new(str(tmp_path / "model.onnx")).open


def test_distances_and_classes_may_be_two_grids(tmp_path: Path) -> None:
    onnx.save(apart(64, 5, 9), tmp_path / "model.onnx")
    made = new(str(tmp_path / "model.onnx"))
    assert made.facts["model.outputs"].value == ["boxes", "classes"]
    assert made.facts["detector.classes"].value == 5


@pytest.mark.parametrize(("channels", "rows"), [((64, 5), 10), ((65, 5), 9), ((3, 5), 9)])
def test_heads_that_give_more_than_boxes_are_not_taken_for_such(
    channels: tuple[int, int], rows: int, tmp_path: Path
) -> None:
    onnx.save(apart(*channels, rows), tmp_path / "model.onnx")
    made = new(str(tmp_path / "model.onnx"))
    assert made.facts["model.task"].value != "object-detection"


def test_another_task_is_left_as_it_was_given(tmp_path: Path) -> None:
    made = new(str(detector_model(tmp_path / "model.onnx")), sets=["model.task=other"])
    assert "detector.kind" not in made.facts and "model.outputs" not in made.facts
