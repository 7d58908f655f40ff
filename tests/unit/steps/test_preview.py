"""The step preview, as the engine runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.answered import answered

from recipebuild.errors import StepError
from recipebuild.steps import calibrate
from recipebuild.steps.preview import Params, run
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.dataset import samples
from recipebuild.toolkit.evaluate.palette import palette
from recipebuild.toolkit.evaluate.recorded import write_outputs

LABELS = palette(class_names(3))
Make = Callable[..., Path]
INPUT = {"name": "pixel_values", "shape": [1, 3, 16, 32], "color": "RGB", "mean": [128] * 3, "std": [64] * 3}


def preview(inputs: dict[str, Path], out: Path, **params: Any) -> tuple[dict[str, Any], Image.Image]:
    out.mkdir()
    metrics = run(inputs, Params.model_validate({"input": INPUT, **params}), out, lambda fraction, text="": None)
    picture = Image.open(out / "preview.png")
    assert metrics["size"] == f"{picture.width}x{picture.height}"
    return metrics, picture


@pytest.fixture
def calibration(street_images: Path, tmp_path: Path) -> Path:
    params = calibrate.Params(count=5, shape=(1, 3, 16, 32))
    (tmp_path / "calibrated").mkdir()
    calibrate.run({"source": street_images}, params, tmp_path / "calibrated", lambda fraction, text="": None)
    return tmp_path / "calibrated/calibration.tar"


def test_all_columns_of_three_labelled_images(
    colour_model: Make, colour_dataset: Path, calibration: Path, tmp_path: Path
) -> None:
    models = {"float": colour_model(), "quantized": colour_model("quantized.onnx", step=2.0)}
    kept = answered(models, colour_dataset, tmp_path, input=INPUT)
    inputs = {"model": models["float"], **kept, "dataset": colour_dataset, "calibration": calibration}
    metrics, picture = preview(inputs, tmp_path / "out")
    assert metrics["images"] == 3
    assert 1900 < picture.width <= 2000
    # Left to right: the float mask equals the ground truth, and the quantized one is class 0 all over.
    colors = [label.color for label in LABELS]
    pixels = np.asarray(picture)
    panels = [pixels[100:250, 40 + 493 * column : 440 + 493 * column].reshape(-1, 3) for column in range(4)]
    assert {tuple(pixel) for pixel in panels[1].tolist()} <= set(colors)
    assert len(np.unique(panels[1], axis=0)) > 1
    np.testing.assert_array_equal(panels[1], panels[3])
    assert np.unique(panels[2], axis=0).tolist() == [list(colors[0])]


def test_what_a_simulation_predicted_has_a_column(
    colour_model: Make, colour_dataset: Path, calibration: Path, tmp_path: Path
) -> None:
    chosen = samples(colour_dataset, 4, 7)
    write_outputs(tmp_path / "p.tar", [(one.name, [np.full((1, 8, 16), 2)]) for one in chosen])
    kept = answered({"float": colour_model()}, colour_dataset, tmp_path, input=INPUT, count=4, seed=7)
    inputs = {"model": colour_model(), **kept, "quantized": tmp_path / "p.tar", "dataset": colour_dataset}
    metrics, picture = preview({**inputs, "calibration": calibration}, tmp_path / "out", count=4, seed=7)
    assert metrics["images"] == 3
    panel = np.asarray(picture)[100:250, 40 + 493 * 2 : 440 + 493 * 2].reshape(-1, 3)
    assert np.unique(panel, axis=0).tolist() == [list(LABELS[2].color)]


def test_each_picture_is_there_by_itself(
    colour_model: Make, colour_dataset: Path, calibration: Path, tmp_path: Path
) -> None:
    models = {"float": colour_model(), "quantized": colour_model("quantized.onnx", step=2.0)}
    kept = answered(models, colour_dataset, tmp_path, input=INPUT)
    inputs = {"model": models["float"], **kept, "dataset": colour_dataset, "calibration": calibration}
    preview(inputs, tmp_path / "out")
    panels = tmp_path / "out/panels"
    assert [label["name"] for label in json.loads((panels / "classes.json").read_text())] == [
        f"class {i}" for i in range(3)
    ]
    names = {"input.jpg", "difference.jpg", "float.png", "quantized.png", "ground-truth.png"}
    seen: dict[str, Any] = {}
    for row in "012":
        files = {path.name: Image.open(path) for path in (panels / row).iterdir()}
        assert files.keys() == names
        assert len({picture.size for picture in files.values()}) == 1
        seen = {name: np.asarray(picture.convert("RGB")) for name, picture in files.items()}
        assert {*map(tuple, seen["float.png"].reshape(-1, 3).tolist())} <= {label.color for label in LABELS}
    # The quantized model gives class 0 all over: red is where the float one gives another.
    red = seen["difference.jpg"][..., 0].astype(int) - seen["difference.jpg"][..., 1] > 100
    differs = (seen["float.png"] != LABELS[0].color).any(-1)
    assert (red == differs).mean() > 0.97  # JPEG blurs the edges


def test_without_a_dataset_it_shows_calibration_images(colour_model: Make, calibration: Path, tmp_path: Path) -> None:
    metrics, picture = preview({"model": colour_model(), "calibration": calibration}, tmp_path / "out")
    assert metrics["images"] == 3
    assert picture.width < 1400  # two columns: input, float


def test_the_same_inputs_give_the_same_bytes(colour_model: Make, calibration: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        preview({"model": colour_model(), "calibration": calibration}, tmp_path / name)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*g")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two and len(one) == 1 + 3 * 2


def test_a_model_that_does_not_segment_is_refused(calibration: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(StepError, match=r"cannot load model\.onnx"):
        preview({"model": tmp_path / "model.onnx", "calibration": calibration}, tmp_path / "out")
