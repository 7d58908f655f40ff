"""The step layers, as the engine runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.quantized import INPUT, quantized_twin, quiet

from recipebuild.steps.layers import Params, run


@pytest.fixture
def inputs(small_onnx: Path, street_images: Path, tmp_path: Path) -> dict[str, Path]:
    return quantized_twin(small_onnx, street_images, tmp_path)


def layers(inputs: dict[str, Path], out: Path, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    out.mkdir()
    metrics = run(inputs, Params.model_validate({"input": INPUT, "class_axis": 1, **more}), out, quiet)
    return metrics, json.loads((out / "layers.json").read_text())


def test_each_activation_has_an_entry_the_noisiest_first(inputs: dict[str, Path], tmp_path: Path) -> None:
    metrics, document = layers(inputs, tmp_path / "out")
    entries = {entry["tensor"]: entry for entry in document["tensors"]}
    assert {"pixel_values", "features", "squashed", "logits"} <= entries.keys()
    ratios = [entry["alone"]["snr_db"] for entry in document["tensors"] if entry["alone"]["snr_db"] is not None]
    assert ratios == sorted(ratios) and ratios[0] < ratios[-1]
    assert entries["features"]["layer"] == "conv" and entries["features"]["operator"] == "Conv"
    assert entries["features"]["module"] == "stem"
    assert entries["pixel_values"]["layer"] is None
    assert document["output"]["tensor"] == "logits" and 0.5 < document["output"]["agreement"] <= 1
    assert metrics["worst"][0] == {
        "layer": document["tensors"][0]["layer"], "module": document["tensors"][0]["module"], "snr_db": ratios[0],
    }  # fmt: skip
    assert metrics["images"] == 2 and len(metrics["worst"]) == 5


def test_the_picture_is_of_the_image_with_the_worst_region(inputs: dict[str, Path], tmp_path: Path) -> None:
    layers(inputs, tmp_path / "out")
    picture = Image.open(tmp_path / "out/layers.png")
    assert picture.width == 4 * 486 - 6


def test_a_model_without_a_map_gets_no_picture(inputs: dict[str, Path], tmp_path: Path) -> None:
    metrics, _ = layers(inputs, tmp_path / "out", class_axis=None)
    assert metrics["agreement"] is None
    assert not (tmp_path / "out/layers.png").exists()


def test_the_same_models_give_the_same_bytes(inputs: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        layers(inputs, tmp_path / name)
    for file in ("layers.json", "layers.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_models_too_large_to_lie_side_by_side_are_not_compared(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recipebuild.toolkit.analysis.pair.EXTERNAL_DATA_OVER", 1000)
    metrics, document = layers(inputs, tmp_path / "out")
    assert document == {"images": 0, "output": None, "outputs": [], "tensors": []}
    (warning,) = metrics["warnings"]
    assert warning.startswith("RB507 ") and "not compared" in warning
