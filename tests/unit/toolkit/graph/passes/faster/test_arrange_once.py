"""Rows are arranged once."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

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
    change = outcome(graph(text, rows=[1, 20, 8], rows6=[1, 20, 6]), "arrange_once")
    assert (change.before["Reshape"], change.after["Reshape"]) == (2, 1)
    assert change.error < 1e-6


def test_another_arrangement_stays() -> None:
    text = TWICE.replace("float[8,6] w)", "float[8,6] w, int64[3] rows6)").replace("float[1,6,8] y", "float[2,6,8] y")
    text = text.replace("rows, float", "rows, float").replace(
        "y = MatMul (t, a)", "z = Reshape (a, rows) y = MatMul (t, z)"
    )
    change = outcome(graph(text, rows=[2, 10, 8], rows6=[2, 10, 6]), "arrange_once")
    assert change.error < 1e-6


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
    change = outcome(graph(text, rows=[1, 20, 8], rows6=[1, 20, 6]), "arrange_once")
    assert (change.before["Reshape"], change.after["Reshape"]) == (2, 1)
    assert change.error < 1e-6


ROWS = """(float[SIZE] x, int64[2] rows, float[8,6] w, int64[2] products) => (float[a,b] y, float[c,d] z) {
    s = Relu (x)
    y = Reshape (s, rows)
    m = MatMul (s, w)
    z = Reshape (m, products)
}"""


def test_rows_that_are_arranged_in_different_ways_stay() -> None:
    model = graph(ROWS.replace("SIZE", "4,5,8"), rows=[20, 8], products=[10, 12])
    assert refusals(model, "arrange_once") == {"the two Reshapes arrange the rows in different ways": 1}


@pytest.mark.parametrize(("rows", "products"), [([10, 16], [20, 6]), ([10, 16], [10, 12]), ([20, 8], [40, 3])])
def test_rows_that_are_put_together_or_cut_stay(rows: list[int], products: list[int]) -> None:
    model = graph(ROWS.replace("SIZE", "4,5,8"), rows=rows, products=products)
    assert refusals(model, "arrange_once") == {"the two Reshapes arrange the rows in different ways": 1}


def test_rows_of_unknown_number_stay() -> None:
    model = graph(ROWS.replace("SIZE", "N,5,8"), rows=[-1, 8], products=[-1, 6])
    assert refusals(model, "arrange_once") == {"the shapes at Reshape are not known": 1}
