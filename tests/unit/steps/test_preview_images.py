"""The step preview of networks that make images, as the engine runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.steps import answers, calibrate
from recipebuild.steps.preview_images import Params, run
from recipebuild.toolkit.evaluate.recorded import write_outputs

INPUT = {"name": "image", "shape": [1, 3, 16, 32], "color": "BGR", "mean": [0] * 3, "std": [255] * 3}
GRAY = (120, 120, 120)


def enlarging(path: Path, gain: float = 1.0) -> Path:
    """A network that enlarges twice, nearest neighbour, and multiplies by ``gain``."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Resize", ["image", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Mul", ["large", "gain"], ["out"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"),
        numpy_helper.from_array(np.array(gain, np.float32), "gain"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 32])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, 32, 64])
    graph = helper.make_graph(nodes, "g", [image], [out], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def inputs(street_images: Path, tmp_path: Path) -> dict[str, Path]:
    for part, size in (("images", (32, 16)), ("targets", (64, 32))):
        (tmp_path / "set" / part).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", size, GRAY).save(tmp_path / f"set/{part}/{number}.png")
    (tmp_path / "calibrated").mkdir()
    params = calibrate.Params(count=4, shape=(1, 3, 16, 32))
    calibrate.run({"source": street_images}, params, tmp_path / "calibrated", lambda fraction, text="": None)
    return {"model": enlarging(tmp_path / "model.onnx"), "calibration": tmp_path / "calibrated/calibration.tar"}


def preview(inputs: dict[str, Path], out: Path, **params: Any) -> dict[str, Any]:
    out.mkdir()
    described = {"input": INPUT, "original": INPUT, **params}
    return run(inputs, Params.model_validate(described), out, lambda fraction, text="": None)


def colour(path: Path) -> tuple[int, ...]:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert pixels.shape == (32, 64, 3) and (pixels == pixels[0, 0]).all()
    return tuple(pixels[0, 0].tolist())


def answered_by(model: Path, folder: Path) -> Path:
    """What the step answers keeps of a model for the dataset in ``folder``."""
    out = folder / f"answers-{model.stem}"
    out.mkdir()
    params = answers.Params.model_validate({"input": INPUT, "dataset": {"task": "image-to-image"}})
    answers.run({"model": model, "dataset": folder / "set"}, params, out, lambda fraction, text="": None)
    return out / "answers.tar"


def test_all_columns(inputs: dict[str, Path], tmp_path: Path) -> None:
    quantized = enlarging(tmp_path / "quantized.onnx", gain=0.95)
    answered = {"float": answered_by(inputs["model"], tmp_path), "quantized": answered_by(quantized, tmp_path)}
    metrics = preview({**inputs, **answered, "dataset": tmp_path / "set"}, tmp_path / "out")
    assert metrics["images"] == 3
    assert Image.open(tmp_path / "out/preview.png").size == tuple(map(int, metrics["size"].split("x")))
    shown = {path.stem: colour(path) for path in (tmp_path / "out/panels/2").iterdir()}
    # 120 * 0.95 is 114: six less, which is shown ten times as strong.
    assert shown == {
        "input": GRAY, "float": GRAY, "quantized": (114,) * 3, "difference": (60,) * 3, "target": GRAY
    }  # fmt: skip


def test_what_a_simulation_gave_is_shown(inputs: dict[str, Path], tmp_path: Path) -> None:
    pixels = np.full((1, 3, 32, 64), 0.2, np.float32)
    write_outputs(tmp_path / "p.tar", [(str(number), [pixels]) for number in range(4)])
    answered = {"float": answered_by(inputs["model"], tmp_path), "quantized": tmp_path / "p.tar"}
    preview({**inputs, **answered, "dataset": tmp_path / "set"}, tmp_path / "out")
    assert colour(tmp_path / "out/panels/0/quantized.png") == (51, 51, 51)


def test_without_a_dataset_images_of_the_calibration_set_are_shown(inputs: dict[str, Path], tmp_path: Path) -> None:
    assert preview(inputs, tmp_path / "out")["images"] == 3
    assert {path.stem for path in (tmp_path / "out/panels/0").iterdir()} == {"input", "float"}
