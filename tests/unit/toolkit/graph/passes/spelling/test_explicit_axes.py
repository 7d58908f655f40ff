"""Reductions say over which axes."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals


def test_all_axes_are_written() -> None:
    change = outcome(graph("(float[2,3,4] x) => (float[1,1,1] y) { y = ReduceMean (x) }"), "explicit_axes")
    assert [list(tensor.dims) for tensor in change.model.graph.initializer] == [[3]]
    assert len(change.model.graph.node[0].input) == 2
    assert change.error < 1e-6


def test_given_axes_stay() -> None:
    model = graph("(float[2,3,4] x, int64[1] a) => (float[2,3,1] y) { y = ReduceSum (x, a) }", a=[-1])
    assert list(outcome(model, "explicit_axes").model.graph.node[0].input) == ["x", "a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[] x) => (float[] y) { y = ReduceMax (x) }", "the axes of ReduceMax are not known, or there are none"),
        (
            "(float[2,3] x) => (float[2,3] y) { y = ReduceSum <noop_with_empty_axes = 1> (x) }",
            "ReduceSum reduces nothing without axes",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text), "explicit_axes") == {reason: 1}
