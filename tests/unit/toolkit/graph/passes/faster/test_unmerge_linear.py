"""A layer that is cut becomes a layer for each part."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

MERGED = """(float[1,5,8] x, float[8,12] w, float[12] b, int64[3] parts) => (float[1,5,4] y) {
    a = MatMul (x, w)
    c = Add (a, b)
    q, k, v = Split <axis = AXIS> (c, parts)
    s = Add (q, k)
    y = Sub (s, v)
}"""


def test_three_layers_in_one_are_taken_apart() -> None:
    change = outcome(graph(MERGED.replace("AXIS", "-1"), parts=[4, 4, 4]), "unmerge_linear")
    assert change.before == {"MatMul": 1, "Add": 2, "Split": 1, "Sub": 1}
    assert change.after == {"MatMul": 3, "Add": 4, "Sub": 1}
    assert change.error < 1e-6


def test_a_cut_between_tokens_stays() -> None:
    text = """(float[1,6,8] x, float[8,4] w, int64[2] parts)
        => (float[1,3,4] y) {
            a = MatMul (x, w) b, c = Split <axis=1> (a, parts) y = Add (b, c) }"""
    assert outcome(graph(text, parts=[3, 3]), "unmerge_linear").after["Split"] == 1


@pytest.mark.parametrize(
    ("size", "nodes", "reason"),
    [
        ("1,6,8", "b, y = Split <axis=1> (a, parts)", "Split is not along the last axis"),
        (
            "1,6,8",
            "r = Reshape (a, shape) b, y = Split <axis=2> (r, parts)",
            "the last axis of Split is not the layer's outputs",
        ),
        ("1,N,8", "b, y = Split <axis=1> (a, parts)", "the shapes of Split are not known"),
    ],
)
def test_the_guard_says_why_not(size: str, nodes: str, reason: str) -> None:
    text = f"""(float[{size}] x, float[8,4] w, int64[2] parts, int64[3] shape) => (float[a,b,c] y) {{
        a = MatMul (x, w) {nodes} }}"""
    parts = [3, 5] if "shape)" in nodes else [3, 3]
    assert refusals(graph(text, parts=parts, shape=[1, 3, 8]), "unmerge_linear") == {reason: 1}
