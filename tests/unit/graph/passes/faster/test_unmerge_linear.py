"""A layer that is cut becomes a layer for each part."""

from __future__ import annotations

from support.graphs import graph, outcome

MERGED = """(float[1,5,8] x, float[8,12] w, float[12] b, int64[3] parts) => (float[1,5,4] y) {
    a = MatMul (x, w)
    c = Add (a, b)
    q, k, v = Split <axis = AXIS> (c, parts)
    s = Add (q, k)
    y = Sub (s, v)
}"""


def test_three_layers_in_one_are_taken_apart() -> None:
    it = outcome(graph(MERGED.replace("AXIS", "-1"), parts=[4, 4, 4]), "unmerge_linear")
    assert it.before == {"MatMul": 1, "Add": 2, "Split": 1, "Sub": 1}
    assert it.after == {"MatMul": 3, "Add": 4, "Sub": 1}
    assert it.error < 1e-6


def test_a_cut_between_tokens_stays() -> None:
    text = """(float[1,6,8] x, float[8,4] w, int64[2] parts)
        => (float[1,3,4] y) {
            a = MatMul (x, w) b, c = Split <axis=1> (a, parts) y = Add (b, c) }"""
    assert outcome(graph(text, parts=[3, 3]), "unmerge_linear").after["Split"] == 1
