"""A model file in figures."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.describe import describe

MODEL = "(float[1,3,8,8] x, float[4,3,1,1] w) => (float[1,4,8,8] y) { a = Conv (x, w) y = Relu (a) }"


def test_the_figures_of_a_small_model(tmp_path: Path) -> None:
    onnx.save(graph(MODEL), tmp_path / "m.onnx")
    figures = describe(tmp_path / "m.onnx")
    assert (figures.file, figures.opset) == ("m.onnx", 20)
    assert (figures.nodes, figures.parameters, figures.multiply_adds) == (2, 12, 64 * 12)
    assert figures.operators == {"Conv": 1, "Relu": 1}
    assert figures.peak_activation_bytes == 4 * 2 * 4 * 64
    tensors = [str(tensor) for tensor in (*figures.inputs, *figures.outputs)]
    assert tensors == ["x (float32 1x3x8x8)", "y (float32 1x4x8x8)"]
    assert json.loads(json.dumps(figures.as_json()))["inputs"][0]["shape"] == [1, 3, 8, 8]


def test_two_inputs_of_one_name_are_an_error(tmp_path: Path) -> None:
    model = graph(MODEL)
    model.graph.input.append(model.graph.input[0])
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(StepError, match=r"m\.onnx has two inputs named x"):
        describe(tmp_path / "m.onnx")
