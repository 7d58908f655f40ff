"""What is left out is written."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(float[2,3] x) => (float[2,3] y) { y = LeakyRelu (x) }", {"alpha"}),
        ("(float[2,3] x) => (float[2,3] y) { y = Elu (x) }", {"alpha"}),
        (
            "(float[1,2,4,4] x, float[2,3,2,2] w) => (float[1,3,5,5] y) { y = ConvTranspose (x, w) }",
            {"strides", "pads", "dilations", "kernel_shape", "group", "auto_pad"},
        ),
        ("(float[2,3] x) => (int64[1,3] y) { y = ArgMax (x) }", {"axis", "keepdims", "select_last_index"}),
    ],
)
def test_defaults_are_written(text: str, written: set[str]) -> None:
    change = outcome(graph(text), "write_attributes")
    assert change.before == change.after
    assert written <= {attribute.name for attribute in change.model.graph.node[0].attribute}
    assert change.error == 0


def test_what_is_given_stays() -> None:
    change = outcome(graph("(float[2,3] x) => (float[2,3] y) { y = LeakyRelu <alpha = 0.5> (x) }"), "write_attributes")
    assert change.model.graph.node[0].attribute[0].f == 0.5
