"""What outputs join is found through what moves data, and unlike ranges are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.joins import joined_operators, joins, unlike

HEADS = """(float[1,4,2] x, float[2,2] w) => (float[1,3,8] y) {
    boxes = MatMul (x, w) scores = Sigmoid (boxes) objects = Softmax (boxes) both = Concat <axis = 1> (boxes, scores)
    all = Concat <axis = 1> (both, objects) flat = Flatten (all) shape = Constant <value_ints = [1, 3, 8]> ()
    y = Reshape (flat, shape) }"""


def feeds(*scales: float) -> list[dict[str, np.ndarray]]:
    return [{"x": np.full((1, 4, 2), scale, np.float32)} for scale in scales]


def test_an_output_joins_what_concats_before_it_join() -> None:
    (join,) = joins(graph(HEADS))
    assert (join.output, join.tensors) == ("y", ("boxes", "scores", "objects"))
    assert joined_operators(graph(HEADS)) == {"both": ("MatMul", "Sigmoid"), "all": ("Concat", "Softmax")}


@pytest.mark.parametrize(
    "text",
    [
        "(float[1,4] x) => (float[1,4] y) { y = Relu (x) }",
        "(float[1,4] x) => (float[1,8] y) { c = Concat <axis = 1> (x, x) y = Relu (c) }",
        "(float[1,4] x, float[1,4] w) => (float[1,8] y) { r = Relu (x) y = Concat <axis = 1> (r, w) }",
        "(float[1,4] x) => (int64[2] y) { s = Shape (x) t = Size (x) o = Constant <value_ints = [0]> () "
        "u = Unsqueeze (t, o) y = Concat <axis = 0> (u, u) }",
    ],
    ids=["no Concat", "not the output", "a constant", "class ids"],
)
def test_what_is_no_join_of_ranges_is_left_in_peace(text: str) -> None:
    assert joins(graph(text)) == []


def test_ranges_are_those_of_the_whole_set(tmp_path: Path) -> None:
    onnx.save(graph(HEADS, w=np.eye(2)), tmp_path / "m.onnx")
    assert unlike(tmp_path / "m.onnx", feeds(1, 20)) == []
    (text,) = unlike(tmp_path / "m.onnx", feeds(1, 640, 2))
    assert text.startswith("the output y joins boxes (0 to 640) and objects (0 to 0.5) with one scale")
    assert "0.2 of 255 steps to objects" in text


def test_a_model_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    onnx.save(graph(HEADS), tmp_path / "m.onnx")
    with pytest.raises(StepError, match="cannot measure what outputs join"):
        unlike(tmp_path / "m.onnx", [{"x": np.zeros((1, 3, 2), np.float32)}])
