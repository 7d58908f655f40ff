"""Models over datasets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, RESTORATION, SEGMENTATION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, samples
from recipebuild.toolkit.evaluate.measure import FIDELITY, Measurement, measure
from recipebuild.toolkit.evaluate.runners import batch, onnx_runner, open_model

Make = Callable[..., Path]
SPEC = ImageSpec(shape=(1, 3, 16, 32), mean=(128, 128, 128), std=(64, 64, 64))
LABELLED = Measurement(SEGMENTATION, 3, labelled=True)


def runs(*paths: Path) -> dict:
    return {path.stem: onnx_runner(open_model(path), SPEC, SEGMENTATION) for path in paths}


def test_every_image_has_a_row_and_the_rows_add_up(colour_model: Make, colour_dataset: Path) -> None:
    done: list[str] = []
    models = runs(colour_model())
    measured = measure(models, samples(colour_dataset), LABELLED, lambda one, image, truth: done.append(one.name))
    assert measured["model"].counts.shape == (6, 9)
    assert measured["model"].figures() == {"miou": 1.0, "pixel_accuracy": 1.0}
    assert done == list("012345")


def test_what_a_quantized_model_answers_is_held_against_the_float_one_too(
    colour_model: Make, colour_dataset: Path
) -> None:
    right, constant = runs(colour_model(), colour_model("constant.onnx", step=2.0)).values()
    models = {"float": right, "quantized": constant}
    measured = measure(models, samples(colour_dataset), LABELLED)
    assert set(measured) == {"float", "quantized", FIDELITY}
    assert measured["float"].figures() == {"miou": 1.0, "pixel_accuracy": 1.0}
    # The float model is right throughout, so as many class ids are the same as are right.
    accuracy = measured["quantized"].figures()["pixel_accuracy"]
    assert measured[FIDELITY].figures() == {"agreement": pytest.approx(accuracy)}


def test_without_labels_the_first_model_is_the_truth(colour_model: Make, colour_dataset: Path) -> None:
    how = Measurement(SEGMENTATION, 3, labelled=False)
    measured = measure(runs(colour_model(), colour_model("constant.onnx", step=2.0)), samples(colour_dataset), how)
    assert measured["model"].figures() == {"agreement": 1.0}
    assert 0.2 < measured["constant"].figures()["agreement"] < 0.5


def test_a_prediction_beyond_the_classes_is_refused(colour_model: Make, colour_dataset: Path) -> None:
    for path in colour_dataset.glob("labels/*.png"):
        Image.new("L", (32, 16), 0).save(path)
    with pytest.raises(StepError, match="the model model predicts class 2 in 0, but there are 2 classes"):
        measure(runs(colour_model()), samples(colour_dataset), Measurement(SEGMENTATION, 2, labelled=True))


def test_classes_and_labels_are_those_of_model_and_dataset(colour_model: Make, colour_dataset: Path) -> None:
    path = colour_model()
    assert Measurement.of(path, colour_dataset, DatasetSpec(), relative=False) == LABELLED
    unlabelled = Measurement.of(path, colour_dataset, DatasetSpec(layout="images"), relative=False)
    assert not unlabelled.labelled
    assert unlabelled.metrics[0] == "agreement"
    features = Measurement.of(path, colour_dataset, DatasetSpec(task=FEATURES), relative=False)
    assert (features.classes, features.metrics[0]) == (0, "cosine")


def test_images_of_classes_are_counted(tmp_path: Path) -> None:
    for kind, color in enumerate(("red", "lime", "blue")):
        (tmp_path / str(kind)).mkdir()
        Image.new("RGB", (32, 16), color).save(tmp_path / str(kind) / "a.png")

    def run(image: Image.Image, name: str) -> Answer:
        return answer([batch(image, SPEC).mean((2, 3))], CLASSIFICATION, "mean")

    spec = DatasetSpec(task=CLASSIFICATION)
    measured = measure({"mean": run}, samples(tmp_path, spec=spec), Measurement(CLASSIFICATION, 3, labelled=True))
    assert measured["mean"].figures() == {"top1": 1.0}


def test_depth_is_measured(tmp_path: Path) -> None:
    for part in ("images", "depth"):
        (tmp_path / part).mkdir()
    Image.new("RGB", (32, 16), "white").save(tmp_path / "images/a.png")
    np.save(tmp_path / "depth/a.npy", np.full((16, 32), 2.0))

    def run(image: Image.Image, name: str) -> Answer:
        return answer([np.full((1, 8, 16), 3, np.float32)], DEPTH, "three")

    spec = DatasetSpec(task=DEPTH)
    measured = measure({"three": run}, samples(tmp_path, spec=spec), Measurement(DEPTH, 0, labelled=True))
    assert measured["three"].figures() == pytest.approx({"abs_rel": 0.5, "rmse": 1.0, "delta1": 0.0})


def test_images_are_measured_against_their_targets(tmp_path: Path) -> None:
    for part, value, size in (("images", 0, (32, 16)), ("targets", 138, (64, 32))):
        (tmp_path / part).mkdir()
        Image.new("RGB", size, (value,) * 3).save(tmp_path / f"{part}/a.png")
    # 0 * 64 + 128 is a pixel of 128, ten less than the target's.
    made = np.zeros((1, 3, 32, 64), np.float32)

    def run(image: Image.Image, name: str) -> Answer:
        return answer([made], RESTORATION, "gray")

    spec = DatasetSpec(task=RESTORATION)
    how = Measurement(RESTORATION, 0, labelled=True, image=SPEC)
    figures = measure({"gray": run}, samples(tmp_path, spec=spec), how)["gray"].figures()
    # SSIM of flat images: (2ab + C1) / (a^2 + b^2 + C1), C1 = 6.5025
    similar = (2 * 128 * 138 + 6.5025) / (128**2 + 138**2 + 6.5025)
    assert figures == pytest.approx({"psnr": 20 * np.log10(255 / 10), "ssim": similar})


def test_without_targets_images_are_held_against_the_first_models(tmp_path: Path) -> None:
    Image.new("RGB", (32, 16), "white").save(tmp_path / "a.png")
    how = Measurement(RESTORATION, 0, labelled=False, image=SPEC)
    assert how.metrics == ("cosine", "snr")
    made = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)

    def giving(values: Any) -> Callable[[Image.Image, str], Answer]:
        return lambda image, name: answer([values], RESTORATION, "an enlarger")

    runs = {"float": giving(made), "quantized": giving(made + 0.1)}
    measured = measure(runs, samples(tmp_path, spec=DatasetSpec(task=RESTORATION, layout="images")), how)
    assert measured["float"].figures()["cosine"] == pytest.approx(1)
    assert measured["quantized"].figures()["snr"] == pytest.approx(10 * np.log10((made**2).mean() / 0.01), abs=1e-3)
