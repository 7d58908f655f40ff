"""The step answers: each image through the model once, also when there are more of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from recipebuild.errors import CheckError, StepError
from recipebuild.steps.answers import Params, run
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.dataset import read_image, samples
from recipebuild.toolkit.evaluate.recorded import Recorded
from recipebuild.toolkit.evaluate.runners import open_model
from recipebuild.toolkit.evaluate.segmentation import segment

Make = Callable[..., Path]
SPEC = ImageSpec(shape=(1, 3, 16, 32), mean=(128, 128, 128), std=(64, 64, 64))


def answers(model: Path, dataset: Path, out: Path, *, earlier: Path | None = None, **params: object) -> list[str]:
    """Run the step; what it says of its progress, a line an image that it computes."""
    out.mkdir()
    lines: list[str] = []
    inputs = {"model": model, "dataset": dataset} | ({"earlier": earlier} if earlier else {})
    run(inputs, Params(input=SPEC, **params), out, lambda fraction, text="": lines.append(text))  # type: ignore[arg-type]
    return lines


def add_image(dataset: Path, name: str) -> None:
    Image.new("RGB", (32, 16), (10, 200, 30)).save(dataset / f"images/{name}.png")
    Image.new("L", (32, 16), 1).save(dataset / f"labels/{name}.png")


def test_each_image_has_what_the_model_gives_for_it(colour_model: Make, colour_dataset: Path, tmp_path: Path) -> None:
    lines = answers(colour_model(), colour_dataset, tmp_path / "out")
    assert lines[-1] == "sample 6 of 6"
    kept, model = Recorded(tmp_path / "out/answers.tar"), open_model(colour_model())
    for sample in samples(colour_dataset):
        np.testing.assert_array_equal(kept.output(sample.name).squeeze(), segment(model, read_image(sample), SPEC))


def test_more_images_cost_what_these_cost_and_the_bytes_are_the_same(
    colour_model: Make, colour_dataset: Path, tmp_path: Path
) -> None:
    model = colour_model()
    answers(model, colour_dataset, tmp_path / "first")
    add_image(colour_dataset, "0 more")  # among the others in the order of names
    lines = answers(model, colour_dataset, tmp_path / "more", earlier=tmp_path / "first")
    assert lines == ["sample 1 of 1"]
    answers(model, colour_dataset, tmp_path / "anew")
    assert (tmp_path / "more/answers.tar").read_bytes() == (tmp_path / "anew/answers.tar").read_bytes()


def test_an_image_is_known_by_its_content_not_by_its_name(
    colour_model: Make, colour_dataset: Path, tmp_path: Path
) -> None:
    model = colour_model()
    answers(model, colour_dataset, tmp_path / "first")
    for part in ("images", "labels"):
        (colour_dataset / part / "5.png").rename(colour_dataset / part / "renamed.png")
    Image.new("RGB", (32, 16), (10, 200, 30)).save(colour_dataset / "images/4.png")
    assert answers(model, colour_dataset, tmp_path / "more", earlier=tmp_path / "first") == ["sample 1 of 1"]
    answers(model, colour_dataset, tmp_path / "anew")
    assert (tmp_path / "more/answers.tar").read_bytes() == (tmp_path / "anew/answers.tar").read_bytes()


def test_fewer_images_run_no_model(colour_model: Make, colour_dataset: Path, tmp_path: Path) -> None:
    answers(colour_model(), colour_dataset, tmp_path / "first")
    (tmp_path / "no.onnx").write_bytes(b"no model")
    assert answers(tmp_path / "no.onnx", colour_dataset, tmp_path / "few", earlier=tmp_path / "first", count=2) == []
    with pytest.raises(StepError, match=r"cannot load no\.onnx"):
        answers(tmp_path / "no.onnx", colour_dataset, tmp_path / "anew")


def test_nan_is_a_failed_check(colour_dataset: Path, tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 16, 32]) for name in ("pixel_values", "y")]
    logarithm = helper.make_graph([helper.make_node("Log", ["pixel_values"], ["y"])], "Log", values[:1], values[1:])
    model = helper.make_model(logarithm, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "log.onnx")
    with pytest.raises(CheckError, match=r"log\.onnx gives NaN"):
        answers(tmp_path / "log.onnx", colour_dataset, tmp_path / "out")
