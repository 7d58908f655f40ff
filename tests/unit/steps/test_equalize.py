"""equalize: its files and figures, from a calibration set of real images."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.steps import equalize
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.graph import files

SPEC = ImageSpec(name="x", shape=(1, 3, 64, 128), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
TEXT = """(float[1,3,64,128] x, float[8,3,1,1] k, float[8,1,3,3] apart, float[5,8,1,1] last) => (float[1,5,62,126] y) {
    wide = Conv(x, k)
    seen = Conv<group = 8>(wide, apart)
    bent = Relu(seen)
    y = Conv(bent, last)
}"""


@pytest.fixture
def inputs(street_images: Path, tmp_path: Path) -> dict[str, Path]:
    uneven = np.random.default_rng(0).normal(size=(8, 3, 1, 1)) * np.exp2(np.arange(8) - 4.0).reshape(8, 1, 1, 1)
    onnx.save(graph(TEXT, k=uneven), tmp_path / "model.onnx")
    with tarfile.open(tmp_path / "calibration.tar", "w") as tar:
        for file in sorted(street_images.iterdir())[:3]:
            tar.add(file, file.name)
    return {name: next(tmp_path.glob(f"{name}.*")) for name in ("model", "calibration")}


def test_figures_and_files(inputs: dict[str, Path], tmp_path: Path) -> None:
    messages: list[str] = []
    for folder in ("one", "two"):
        out = tmp_path / folder
        out.mkdir()
        params = equalize.Params(techniques=("linear",), input=SPEC)
        metrics = equalize.run(inputs, params, out, lambda fraction, text="": messages.append(text))
        assert sorted(path.name for path in out.iterdir()) == ["equalize.json", "equalized.onnx"]
        assert json.loads((out / "equalize.json").read_text()) == metrics
    assert "channels, sample 3 of 3" in messages
    assert [(site["technique"], site["tensor"]) for site in metrics["sites"]] == [
        ("linear", "wide"),
        ("linear", "seen"),
    ]
    assert metrics["relative"] < 1e-6 and metrics["rolled_back"] == []
    names = ("equalize.json", "equalized.onnx")
    assert [(tmp_path / "one" / n).read_bytes() for n in names] == [(tmp_path / "two" / n).read_bytes() for n in names]


def test_a_model_over_2_gib_is_told_before_it_is_read(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "EXTERNAL_DATA_OVER", 100)
    params = equalize.Params(techniques=("linear",), input=SPEC)
    with pytest.raises(StepError, match="equalize takes models under 2 GiB") as raised:
        equalize.run(inputs, params, tmp_path, lambda fraction, text="": None)
    assert raised.value.field == "equalize"


def test_kinds_of_tokens_are_listed_and_written_the_same_every_time(inputs: dict[str, Path], tmp_path: Path) -> None:
    text = """(float[1,3,64,128] x, float[8,3,16,16] k, int64[3] flat, float[1,1,8] cls, float[8] gain)
        => (float[1,33,8] y) {
        patches = Conv<strides = [16, 16]>(x, k)
        rows = Reshape(patches, flat)
        turned = Transpose<perm = [0, 2, 1]>(rows)
        tokens = Concat<axis = 1>(cls, turned)
        y = LayerNormalization(tokens, gain)
    }"""
    cls = np.array([9000.0, *range(7)]).reshape(1, 1, 8)
    onnx.save(graph(text, flat=[1, 8, 32], cls=cls, gain=np.ones(8)), inputs["model"])
    written = []
    for folder in ("one", "two"):
        out = tmp_path / folder
        out.mkdir()
        params = equalize.Params(techniques=(), tokens=True, input=SPEC)
        (site,) = equalize.run(inputs, params, out, lambda fraction, text="": None)["sites"]
        assert (site["technique"], site["tensor"], site["channels"]) == ("tokens", "tokens", 2)
        assert site["measured_db"] > 3
        written.append([(out / name).read_bytes() for name in ("equalize.json", "equalized.onnx")])
    assert written[0] == written[1]
    operators = [node.op_type for node in onnx.load(tmp_path / "one" / "equalized.onnx").graph.node]
    assert operators == ["Conv", "Reshape", "Transpose", "LayerNormalization", "Concat"]  # the class token is constant
