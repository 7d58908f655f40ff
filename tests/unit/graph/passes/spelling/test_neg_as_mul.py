"""A negation is a product."""

from __future__ import annotations

from support.graphs import graph, outcome


def test_neg_becomes_mul() -> None:
    it = outcome(graph("(float[2,3] x) => (float[2,3] y) { y = Neg (x) }"), "neg_as_mul")
    assert (it.before, it.after) == ({"Neg": 1}, {"Mul": 1})
    assert it.error == 0


def test_whole_numbers_stay() -> None:
    text = "(float[2,3] x) => (int64[2,3] y) { a = Cast <to = 7> (x) y = Neg (a) }"
    assert outcome(graph(text), "neg_as_mul").after["Neg"] == 1
