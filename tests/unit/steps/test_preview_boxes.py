"""The picture of boxes: frames are where the objects are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from support.detectors import DETECTOR, INPUT, NAMES, detector_model, squares
from support.quantized import quiet

from recipebuild.steps import answers
from recipebuild.steps.preview_boxes import Params, run
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.graph.cut import cut


def test_a_row_shows_the_image_both_models_and_the_truth(tmp_path: Path) -> None:
    models = {name: detector_model(tmp_path / f"{name}.onnx") for name in ("model", "quantized")}
    for path in models.values():
        cut(path, ["grid"])
    settings = {"input": {**INPUT, "resize": "letterbox"}, "detector": DETECTOR, "labels": NAMES}
    dataset = squares(tmp_path / "data")
    params = answers.Params.model_validate({"input": settings["input"], "dataset": {"task": "object-detection"}})
    answered = {"model": models["model"], "dataset": dataset}
    for title, model in zip(("float", "quantized"), models.values(), strict=True):
        (tmp_path / title).mkdir()
        answers.run({"model": model, "dataset": dataset}, params, tmp_path / title, quiet)
        answered[title] = tmp_path / title / "answers.tar"
    metrics = run(answered, Params.model_validate(settings), tmp_path, quiet)
    assert metrics["images"] == 3
    assert Image.open(tmp_path / "preview.png").size == tuple(map(int, metrics["size"].split("x")))
    panels = tmp_path / "panels/0"
    names = sorted(path.name for path in panels.iterdir())
    assert names == ["float.jpg", "ground-truth.jpg", "input.jpg", "quantized.jpg"]
    seen = {name: np.asarray(Image.open(panels / name), int) for name in names}
    assert seen["float.jpg"].shape == (320, 640, 3)
    changed = {name: np.abs(seen[name] - seen["input.jpg"]).sum(axis=2) > 150 for name in names}
    assert changed["float.jpg"].sum() > 500  # frames and names
    assert np.array_equal(seen["float.jpg"], seen["quantized.jpg"])
    frames = changed["ground-truth.jpg"] & changed["float.jpg"]  # the texts differ by the scores
    assert frames.sum() > 0.5 * changed["ground-truth.jpg"].sum()
    classes = json.loads((tmp_path / "panels/classes.json").read_text())
    assert [one["name"] for one in classes] == NAMES
    assert classes[0]["color"] == "#" + bytes(palette(NAMES)[0].color).hex()


def test_without_a_dataset_there_is_no_truth(tmp_path: Path) -> None:
    model = detector_model(tmp_path / "model.onnx")
    cut(model, ["grid"])
    calibration = squares(tmp_path / "data") / "images"
    params = Params.model_validate({"input": INPUT, "detector": DETECTOR})
    assert run({"model": model, "calibration": calibration}, params, tmp_path, quiet)["images"] == 3
    assert sorted(path.name for path in (tmp_path / "panels/0").iterdir()) == ["float.jpg", "input.jpg"]


def test_without_a_dataset_the_compiled_model_runs_too(tmp_path: Path) -> None:
    model = detector_model(tmp_path / "model.onnx")
    cut(model, ["grid"])
    inputs = {"model": model, "compiled": model, "calibration": squares(tmp_path / "data") / "images"}
    run(inputs, Params.model_validate({"input": INPUT, "detector": DETECTOR}), tmp_path, quiet)
    assert (tmp_path / "panels/0/quantized.jpg").read_bytes() == (tmp_path / "panels/0/float.jpg").read_bytes()
