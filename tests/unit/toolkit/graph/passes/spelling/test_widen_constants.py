"""Constants with 32 bits."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import graph, outcome, refusals


def test_a_cast_constant_is_stored_wide() -> None:
    text = "(float[2,3] x, float16[3] c) => (float[2,3] y) { a = Cast <to = 1> (c) y = Add (x, a) }"
    change = outcome(graph(text, c=np.array([0.1, 2, -3])), "widen_constants")
    assert (change.before, change.after) == ({"Cast": 1, "Add": 1}, {"Add": 1})
    assert [tensor.data_type for tensor in change.model.graph.initializer] == [1]
    assert change.error == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "(double[3] x, float16[3] c) => (double[3] y) { a = Cast <to = 11> (c) y = Add (a, x) }",
            "Cast is not to float32",
        ),
        (
            "(float[3] x, float16[3] c) => (float[3] y, float[3] z) { y = Cast <to = 1> (c) z = Abs (x) }",
            "Cast gives an output of the graph",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text), "widen_constants") == {reason: 1}


def test_wide_constants_are_not_looked_at() -> None:
    text = "(float[3] x, double[3] c) => (float[3] y) { a = Cast <to = 1> (c) y = Add (x, a) }"
    assert refusals(graph(text), "widen_constants") == {}
