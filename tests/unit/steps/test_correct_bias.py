"""correct-bias: its files and figures, from a calibration set of real images."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.steps import correct_bias
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.graph import files

PARAMS = correct_bias.Params(
    input=ImageSpec(name="x", shape=(1, 3, 64, 128), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
)
TEXT = """(float[1,3,64,128] x, float[8,3,3,3] k, float[8] b, float[5,8,1,1] last) => (float[1,5,62,126] y) {
    wide = Conv(x, k, b)
    y = Conv(wide, last)
}"""


@pytest.fixture
def inputs(street_images: Path, tmp_path: Path) -> dict[str, Path]:
    onnx.save(graph(TEXT), tmp_path / "model.onnx")
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        for file in sorted(street_images.iterdir())[:3]:
            tar.add(file, file.name)
    return {name: next(tmp_path.glob(f"{name}.*")) for name in ("model", "calibration")}


def test_figures_and_files_are_the_same_every_time(inputs: dict[str, Path], tmp_path: Path) -> None:
    written, texts = [], list[str]()
    for folder in ("one", "two"):
        out = tmp_path / folder
        out.mkdir()
        metrics = correct_bias.run(inputs, PARAMS, out, lambda fraction, text="": texts.append(text))
        assert sorted(path.name for path in out.iterdir()) == ["corrected.json", "corrected.onnx"]
        assert json.loads((out / "corrected.json").read_text()) == metrics
        written.append([(out / name).read_bytes() for name in ("corrected.json", "corrected.onnx")])
    assert "rounding errors, sample 3 of 3" in texts
    assert [(site["tensor"], site["channels"]) for site in metrics["sites"]] == [("wide", 8), ("y", 5)]
    assert all(site["gain_db"] > 0 for site in metrics["sites"]) and metrics["refused"] == []
    assert written[0] == written[1]


def test_a_model_over_2_gib_is_refused_before_it_is_read(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "EXTERNAL_DATA_OVER", 100)
    with pytest.raises(StepError, match="biases are corrected in models under 2 GiB") as raised:
        correct_bias.run(inputs, PARAMS, tmp_path, lambda fraction, text="": None)
    assert raised.value.field == "equalize.bias_correction"
