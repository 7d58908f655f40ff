"""compile, embedded toolchain: a real SegFormer becomes a QDQ model that still sees much the same."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.steps import compile_onnxruntime as step
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.graph.files import save
from recipebuild.toolkit.graph.head import Head, add_argmax
from recipebuild.toolkit.graph.simplify import simplify
from recipebuild.toolkit.models.export import attention_for, export
from recipebuild.toolkit.models.load import load

SPEC = ImageSpec(shape=(1, 3, 64, 128), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))


@pytest.fixture(scope="module")
def model(tiny_segformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny SegFormer with its head, from torch's tracing exporter at opset 11: LayerNormalization in pieces."""
    return exported(tiny_segformer, tmp_path_factory.mktemp("model"), 11)


def exported(source: Path, folder: Path, opset: int) -> Path:
    module = load(source, task="semantic-segmentation", weights="pretrained", seed=0, attention=attention_for(opset))
    names = {"input_name": SPEC.name, "output_name": "logits"}
    raw = folder / "export.onnx"
    export(module, raw, shape=SPEC.shape, opset=opset, exporter="torchscript", **names)
    save(add_argmax(simplify(raw, SPEC.name, SPEC.shape), Head()), folder / "model.onnx")
    return folder / "model.onnx"


@pytest.fixture
def calibration(street_images: Path, tmp_path: Path) -> Path:
    """Four of the eight images."""
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        for file in sorted(street_images.iterdir())[:4]:
            tar.add(file, file.name)
    return tmp_path / "calibration.tar"


def _run(model: Path, calibration: Path, out: Path, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    out.mkdir()
    messages: list[str] = []
    params = step.Params(**{"input": SPEC, **fields})
    metrics = step.run(
        {"model": model, "calibration": calibration}, params, out, lambda _, text="": messages.append(text)
    )
    return metrics, messages


def _classes(model: Path, images: list[Path]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = ort.InferenceSession(model, options)
    return np.array([session.run(None, {SPEC.name: preprocess(Image.open(path), SPEC)})[0] for path in images])


@pytest.mark.parametrize("method", ["MinMax", "Percentile", "MSE", "KL"])
def test_the_quantized_model_agrees_with_the_float_one(
    model: Path, calibration: Path, street_images: Path, tmp_path: Path, method: str
) -> None:
    metrics, messages = _run(model, calibration, tmp_path / "out", method=method)
    quantized = tmp_path / "out" / "quantized.onnx"
    made = onnx.load(quantized)
    onnx.checker.check_model(made, full_check=True)
    assert made.graph.input == onnx.load(model).graph.input
    assert made.graph.output == onnx.load(model).graph.output

    unseen = sorted(street_images.iterdir())[4:]
    right, actual = _classes(model, unseen), _classes(quantized, unseen)
    assert len(np.unique(right)) >= 5
    assert (right == actual).mean() > 0.9

    assert metrics["images"] == 4
    assert metrics["method"] == method
    assert metrics["bytes"] == quantized.stat().st_size
    assert metrics["float_bytes"] == model.stat().st_size
    assert metrics["tensors"] > 100
    assert metrics["qdq_pairs"] > 100
    assert set(metrics["precision"]) == {"U8", "S8"}  # S8: what the products of attention take
    assert metrics["quantized_nodes"] > 100
    assert "sample 3 of 4" in messages


def test_layers_get_the_precision_that_is_asked_for(model: Path, calibration: Path, tmp_path: Path) -> None:
    layers = ({"op_type": "Softmax", "data_type": "U16"}, {"module": ["decode_head"], "data_type": "U16"})
    metrics, _ = _run(model, calibration, tmp_path / "out", layers=layers)
    assert metrics["precision"]["U16"] > 4
    assert "warnings" not in metrics
    written = json.loads((tmp_path / "out" / "quant.json").read_text())
    softmax = next(tensors for name, tensors in written["tensor_configs"].items() if "Softmax" in name)
    before, after = softmax.values()
    assert (before["bit_width"], before["quant_max"]) == (16, 65535)
    assert (after["bit_width"], after["quant_min"]) == (8, -128)  # a product takes it next
    _classes(tmp_path / "out" / "quantized.onnx", [])


def test_a_precision_that_has_no_effect_is_a_warning_and_written_down(
    model: Path, calibration: Path, tmp_path: Path
) -> None:
    layers = ({"op_type": "Conv", "data_type": "FP32"},)
    metrics, _ = _run(model, calibration, tmp_path / "out", layers=layers)
    assert metrics["warnings"]
    assert all(warning.startswith("RB312 ") for warning in metrics["warnings"])
    assert all("Conv cannot be in float" in warning for warning in metrics["warnings"])
    precision = json.loads((tmp_path / "out" / "precision.json").read_text())
    assert precision == {
        "dropped": [text.removeprefix("RB312 ") for text in metrics["warnings"]],
        "got": metrics["precision"],
    }


def test_smooth_quant_takes_part_where_the_threshold_lets_it(
    tiny_segformer: Path, calibration: Path, tmp_path: Path
) -> None:
    norms = exported(tiny_segformer, tmp_path, 17)
    smooth = step.Smooth(threshold=1, strength=0.5)
    metrics, _ = _run(norms, calibration, tmp_path / "out", smooth_quant=smooth)
    assert metrics["smoothed"] > 0
    assert "_smoothed" in (tmp_path / "out" / "quant.json").read_text()
    metrics, _ = _run(norms, calibration, tmp_path / "none", smooth_quant=step.Smooth(threshold=0, strength=0.5))
    assert metrics["smoothed"] == 0


def test_a_calibration_set_of_one_grey_is_told(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (128, 64), (124, 116, 104)).save(tmp_path / "grey.png")
    spec = SPEC.model_copy(update={"mean": (124, 116, 104)})
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        tar.add(tmp_path / "grey.png", "grey.png")
    metrics, _ = _run(model, tmp_path / "calibration.tar", tmp_path / "out", input=spec)
    assert metrics["warnings"] == [
        "RB213 pixel_values is 0 throughout the calibration set: other values will be cut off"
    ]


def test_the_bytes_are_the_same_in_another_folder(model: Path, calibration: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _run(model, calibration, tmp_path / folder)
    for name in ("quantized.onnx", "quant.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_model_of_another_input_is_an_error_and_leaves_nothing(
    model: Path, calibration: Path, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match=r"the model takes pixel_values .* not image"):
        _run(model, calibration, tmp_path / "out", input=SPEC.model_copy(update={"name": "image"}))
    assert not list((tmp_path / "out").iterdir())


def test_a_model_over_two_gibibytes_is_an_error(calibration: Path, tmp_path: Path) -> None:
    for name, size in [("model.onnx", 1000), ("model.onnx.data", 3 * 2**30)]:
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, size)
    with pytest.raises(StepError, match=r"model\.onnx has 3\.0 GiB"):
        _run(tmp_path / "model.onnx", calibration, tmp_path / "out")
