"""A number goes into the weights."""

from __future__ import annotations

from support.graphs import graph, outcome

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
    it = outcome(graph(ATTENTION, s=2.828), "fold_scale")
    assert it.before["Div"] == 1
    assert it.after == {"MatMul": 3, "Add": 1, "Transpose": 1, "Softmax": 1}
    assert it.error < 1e-6


def test_what_others_need_unscaled_is_not_scaled() -> None:
    text = "(float[5,8] x, float[8,8] w, float s) => (float[5,8] y) { a = MatMul (x, w) c = Mul (a, s) y = Add (a, c) }"
    assert outcome(graph(text, s=2), "fold_scale").after["Mul"] == 1
