"""How many classes a graph tells apart: of logits, of class ids at its end, and where it is not known."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.evaluate.classes import class_count

CASES = {
    "logits": ("=> (float[1,5,8,9] y) { y = Relu (x) }", 5),
    "ArgMax": ("=> (int64[1,1,8,9] y) { y = ArgMax <axis = 1> (x) }", 5),
    "ArgMax of what has no shape in the file": ("=> (int64[1,1,8,9] y) { a = Relu (x) y = ArgMax <axis = 1> (a) }", 5),
    "ArgMax from behind": ("=> (int64[1,8,9] y) { y = ArgMax <axis = -3, keepdims = 0> (x) }", 5),
    "Cast": ("=> (uint8[1,1,8,9] y) { a = ArgMax <axis = 1> (x) y = Cast <to = 2> (a) }", 5),
    "Cast of ids without the axis": (
        "=> (int32[1,8,9] y) { a = ArgMax <axis = 1, keepdims = 0> (x) y = Cast <to = 6> (a) }",
        5,
    ),
    "Squeeze": ("=> (int64[8,9] y) { a = ArgMax <axis = 1> (x) y = Squeeze (a) }", 5),
    "Cast to float": ("=> (float[1,1,8,9] y) { a = ArgMax <axis = 1> (x) y = Cast <to = 1> (a) }", 5),
    "integers of some other kind": ("=> (int32[1,5,8,9] y) { y = Cast <to = 6> (x) }", None),
}


@pytest.mark.parametrize("case", CASES)
def test_by_the_end_of_the_graph(case: str, tmp_path: Path) -> None:
    text, classes = CASES[case]
    onnx.save(graph(f"(float[1,5,8,9] x) {text}"), tmp_path / "net.onnx")
    assert class_count(tmp_path / "net.onnx") == classes


def test_a_threshold_tells_two_apart(tmp_path: Path) -> None:
    text = "(float[1,1,8,9] x, float z) => (int64[1,1,8,9] y) { a = Greater (x, z) y = Cast <to = 7> (a) }"
    onnx.save(graph(text, z=0), tmp_path / "net.onnx")
    assert class_count(tmp_path / "net.onnx") == 2
