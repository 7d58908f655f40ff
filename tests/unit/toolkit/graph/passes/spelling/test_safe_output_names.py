"""Outputs can be files."""

from __future__ import annotations

from support.graphs import graph, outcome


def test_slashes_go() -> None:
    model = graph("(float[2,3] x) => (float[2,3] y) { y = Relu (x) }")
    model.graph.output[0].name = model.graph.node[0].output[0] = "/head/out:0"
    change = outcome(model, "safe_output_names")
    assert [value.name for value in change.model.graph.output] == ["_head_out_0"]
    assert change.error == 0
