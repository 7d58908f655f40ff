"""A graph that ends earlier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.detectors import detector_model

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.graph.cut import cut, tensors_at


def test_what_follows_the_tensors_goes(tmp_path: Path) -> None:
    path = detector_model(tmp_path / "model.onnx")
    feed = {"images": np.random.default_rng(0).random((1, 3, 64, 64), np.float32)}
    ((whole,),) = run_model(path, [feed])
    cut(path, ["grid", "cell?"])
    ((grid, cells),) = run_model(path, [feed])
    assert grid.shape == (1, 7, 8, 8)
    assert cells.shape == (1, 3, 8, 8)
    assert np.array_equal(grid.reshape(1, 7, 64), whole)
    model = onnx.load(path)
    assert [node.op_type for node in model.graph.node] == ["AveragePool", "Conv"]
    assert {tensor.name for tensor in model.graph.initializer} == {"weights", "bias"}
    onnx.checker.check_model(model, full_check=True)


def test_the_same_cut_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [detector_model(tmp_path / name) for name in ("a.onnx", "b.onnx")]
    for path in paths:
        cut(path, ["grid"])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_names_come_in_their_order_and_patterns_in_that_of_the_graph(tmp_path: Path) -> None:
    model = onnx.load(detector_model(tmp_path / "model.onnx"))
    assert tensors_at(model, ["tail", "*"]) == ["tail", "cells", "grid"]


def test_a_name_with_brackets_is_a_name() -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["[a]"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    assert tensors_at(onnx.helper.make_model(graph), ["[a]"]) == ["[a]"]


def test_the_nearest_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="no tensor girds") as raised:
        cut(detector_model(tmp_path / "model.onnx"), ["girds"])
    assert raised.value.field == "model.outputs"
    assert str(raised.value.remedy).startswith("near it are grid")
