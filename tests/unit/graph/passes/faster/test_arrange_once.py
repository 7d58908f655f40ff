"""Rows are arranged once."""

from __future__ import annotations

from support.graphs import graph, outcome

TWICE = """(float[1,4,5,8] x, int64[3] rows, float[8,6] w) => (float[1,6,8] y) {
    s = Relu (x)
    a = Reshape (s, rows)
    m = MatMul (s, w)
    b = Reshape (m, rows6)
    t = Transpose <perm = [0,2,1]> (b)
    y = MatMul (t, a)
}"""


def test_the_product_takes_the_rows_as_they_are_arranged_already() -> None:
    text = TWICE.replace("float[8,6] w)", "float[8,6] w, int64[3] rows6)")
    it = outcome(graph(text, rows=[1, 20, 8], rows6=[1, 20, 6]), "arrange_once")
    assert (it.before["Reshape"], it.after["Reshape"]) == (2, 1)
    assert it.error < 1e-6


def test_another_arrangement_stays() -> None:
    text = TWICE.replace("float[8,6] w)", "float[8,6] w, int64[3] rows6)").replace("float[1,6,8] y", "float[2,6,8] y")
    text = text.replace("rows, float", "rows, float").replace(
        "y = MatMul (t, a)", "z = Reshape (a, rows) y = MatMul (t, z)"
    )
    it = outcome(graph(text, rows=[2, 10, 8], rows6=[2, 10, 6]), "arrange_once")
    assert it.error < 1e-6


def test_the_product_may_come_after_what_uses_the_rows() -> None:
    text = """(float[1,4,5,8] x, int64[3] rows, float[8,6] w, int64[3] rows6) => (float[1,6,8] y) {
    s = Relu (x)
    a = Reshape (s, rows)
    r = Relu (a)
    m = MatMul (s, w)
    b = Reshape (m, rows6)
    t = Transpose <perm = [0,2,1]> (b)
    y = MatMul (t, r)
}"""
    it = outcome(graph(text, rows=[1, 20, 8], rows6=[1, 20, 6]), "arrange_once")
    assert (it.before["Reshape"], it.after["Reshape"]) == (2, 1)
    assert it.error < 1e-6
