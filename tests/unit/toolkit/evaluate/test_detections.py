"""Detectors over a dataset: figures, intervals, what is held against another model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.detectors import DETECTOR, INPUT, SIDE, detector_model, squares

from recipebuild.errors import StepError
from recipebuild.facts.tasks import DETECTION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.answering import kept_outputs
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.label_survey import LabelSurvey
from recipebuild.toolkit.evaluate.ladder import RungCounts, climb, count
from recipebuild.toolkit.evaluate.measure import FIDELITY, ImageScores, Measurement, measure
from recipebuild.toolkit.evaluate.noise import difference, interval
from recipebuild.toolkit.evaluate.recorded import Recorded, write_outputs
from recipebuild.toolkit.evaluate.runners import onnx_runner, open_model, outputs_of, recorded_runner
from recipebuild.toolkit.graph.cut import cut

LETTERBOX = ImageSpec.model_validate({**INPUT, "resize": "letterbox"})
SPEC = DatasetSpec(task=DETECTION)


def how(spec: ImageSpec, *, labelled: bool = True) -> Measurement:
    detection = Detection(Detector.model_validate(DETECTOR), spec)
    return Measurement(DETECTION, 3, labelled, detection=detection)


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    """One that is right, and one whose boxes are a sixth of a cell too far to the right: an IoU of 5/7."""
    paths = {name: detector_model(tmp_path / f"{name}.onnx", s) for name, s in (("float", 0), ("quantized", 1 / 6))}
    for path in paths.values():
        cut(path, ["grid"])
    return paths


def measured(models: dict[str, Path], folder: Path, spec: ImageSpec, **more: bool) -> dict[str, ImageScores]:
    runs = {name: onnx_runner(open_model(path), spec, DETECTION) for name, path in models.items()}
    return measure(runs, samples(folder, spec=SPEC), how(spec, **more))


@pytest.mark.parametrize("size", [(SIDE, SIDE // 2), (SIDE // 2, SIDE), (SIDE, SIDE)])
def test_letterboxed_boxes_come_back_to_their_objects(
    models: dict[str, Path], tmp_path: Path, size: tuple[int, int]
) -> None:
    results = measured(models, squares(tmp_path / "data", size=size), LETTERBOX)
    assert results["float"].figures() == {"map": 1.0, "map50": 1.0}
    # An IoU of 5/7 is right for the thresholds 0.5 to 0.7: five of ten.
    assert results["quantized"].figures() == pytest.approx({"map": 0.5, "map50": 1.0})
    assert results["float"].score.per_class(np.ones(6)) == {0: 1.0, 1: 1.0, 2: 1.0}
    assert 0.9 < results[FIDELITY].figures()["cosine"] < 1


def test_stretched_boxes_come_back_too(models: dict[str, Path], tmp_path: Path) -> None:
    results = measured(models, squares(tmp_path / "data", size=(2 * SIDE, SIDE)), ImageSpec.model_validate(INPUT))
    assert results["float"].figures()["map"] < 0.5  # squares of 8 pixels are half a cell wide here


def test_intervals_come_of_drawn_images(models: dict[str, Path], tmp_path: Path) -> None:
    results = measured(models, squares(tmp_path / "data"), LETTERBOX)
    before, after = results["float"], results["quantized"]
    assert interval(before.counts, before.figure("map")) == (1.0, 1.0)
    both = difference(before.counts, after.counts, after.figure("map"), before.figure("map"))
    assert both == pytest.approx((-0.5, -0.5))


def test_without_labels_outputs_are_held_against_each_other(models: dict[str, Path], tmp_path: Path) -> None:
    results = measured(models, squares(tmp_path / "data"), LETTERBOX, labelled=False)
    assert how(LETTERBOX, labelled=False).metrics == ("cosine", "snr")
    assert results["float"].figures()["cosine"] == pytest.approx(1)
    assert results["quantized"].figures()["cosine"] < 0.99999


def test_every_rung_of_the_ladder_has_its_figure(models: dict[str, Path], tmp_path: Path) -> None:
    drawn = samples(squares(tmp_path / "data"), spec=SPEC)
    by = how(LETTERBOX)
    read = [by.read(sample) for sample in drawn]
    runs = {name: onnx_runner(open_model(path), LETTERBOX, DETECTION) for name, path in models.items()}
    answers = {rung: [runs[name](image, "") for image, _ in read]
               for rung, name in (("reference", "float"), ("quantized", "quantized"))}  # fmt: skip
    counted = [rung.as_json() for rung in count(answers.items(), [truth for _, truth in read], by)]
    kept = json.loads(json.dumps({"how": by.as_json(), "rungs": counted}))  # as the step rungs leaves them
    rungs = [RungCounts.from_json(rung) for rung in kept["rungs"]]
    rows = list(climb(rungs, Measurement.from_json(kept["how"]), "map"))
    assert [row["map"] for row in rows] == [1.0, 0.5]
    assert rows[1]["change"] == -0.5
    assert rows[1]["snr_before"] > 10


def test_all_outputs_are_kept_of_what_was_simulated(tmp_path: Path) -> None:
    outputs = kept_outputs([np.ones((2, 3, 2), np.float16), np.zeros((2, 3, 4), np.float32)], DETECTION)
    write_outputs(tmp_path / "a.tar", [("x/1", outputs), ("x/2", outputs[:1])], {"x/1": "one", "x/2": "two"})
    kept = Recorded(tmp_path / "a.tar")
    assert [output.shape for output in kept.outputs("x/1")] == [(1, 3, 2), (1, 3, 4)]
    assert [output.shape for output in kept.outputs("x/2")] == [(1, 3, 2)]
    assert kept.output("x/1").dtype == np.float32
    assert kept.samples == {"one": "x/1", "two": "x/2"}


def test_recorded_answers_are_judged_as_those_of_a_model(models: dict[str, Path], tmp_path: Path) -> None:
    drawn = samples(squares(tmp_path / "data"), spec=SPEC)
    by, model = how(LETTERBOX), open_model(models["quantized"])
    pairs = [(sample.name, outputs_of(model, by.read(sample)[0], LETTERBOX)) for sample in drawn]
    write_outputs(tmp_path / "kept.tar", pairs)
    results = measure({"board": recorded_runner(tmp_path / "kept.tar", DETECTION)}, drawn, by)
    assert results["board"].figures()["map"] == pytest.approx(0.5)


def test_outputs_of_another_kind_are_named() -> None:
    detection = Detection(Detector(kind="yolov8", classes=4), LETTERBOX)
    outputs = answer([np.zeros((1, 7, 8, 8), np.float32)], DETECTION, "a.onnx")
    with pytest.raises(StepError, match=r"\[1, 7, 8, 8\] are not those of yolov8 with 4 classes"):
        detection.objects(outputs, (8, 8))


def test_a_dataset_without_objects_says_nothing(tmp_path: Path) -> None:
    from recipebuild.toolkit.detection.truth import Truth

    survey = LabelSurvey(DETECTION, labelled=True)
    nothing = Truth(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool), (8, 8))
    image = Image.new("RGB", (8, 8))
    survey.add(samples(squares(tmp_path / "data"), spec=SPEC)[0], image, nothing)
    with pytest.raises(StepError, match="none of the 1 images has an object"):
        survey.check()
