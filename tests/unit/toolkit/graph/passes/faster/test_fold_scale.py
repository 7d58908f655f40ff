"""A number goes into the weights."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

ATTENTION = """(float[1,5,8] x, float[8,8] w, float[8] b, float[8,8] wk, float s) => (float[1,5,5] y) {
    a = MatMul (x, w)
    q = Add (a, b)
    k = MatMul (x, wk)
    t = Transpose <perm = [0,2,1]> (k)
    scores = MatMul (q, t)
    scaled = Div (scores, s)
    y = Softmax <axis = -1> (scaled)
}"""


def test_the_scores_scale_goes_into_the_queries_weights() -> None:
    change = outcome(graph(ATTENTION, s=2.828), "fold_scale")
    assert change.before["Div"] == 1
    assert change.after == {"MatMul": 3, "Add": 1, "Transpose": 1, "Softmax": 1}
    assert change.error < 1e-6


def test_what_others_need_unscaled_is_not_scaled() -> None:
    text = "(float[5,8] x, float[8,8] w, float s) => (float[5,8] y) { a = MatMul (x, w) c = Mul (a, s) y = Add (a, c) }"
    assert outcome(graph(text, s=2), "fold_scale").after["Mul"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "(int32[5,8] x, int32[8,8] w, int32 s) => (int32[5,8] y) { a = MatMul (x, w) y = Mul (a, s) }",
            "the weights are not floating-point numbers",
        ),
        (
            "(float[N,8] x, float[8,8] w, float s) => (float[N,8] y) { a = MatMul (x, w) y = Mul (a, s) }",
            "the shape of Mul is not known",
        ),
        (
            "(float[5,8] x, float[8,8] w, float[1,1,1] s) => (float[1,5,8] y) { a = MatMul (x, w) y = Mul (a, s) }",
            "Mul changes the shape",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text, s=2), "fold_scale") == {reason: 1}
