"""A reciprocal is a quotient."""

from __future__ import annotations

from support.graphs import graph, outcome, refusals


def test_reciprocal_becomes_div() -> None:
    change = outcome(graph("(float[2,3] x) => (float[2,3] y) { y = Reciprocal (x) }"), "reciprocal_as_div")
    assert (change.before, change.after) == ({"Reciprocal": 1}, {"Div": 1})
    assert change.error < 1e-6


def test_a_quotient_stays() -> None:
    text = "(float[2,3] x, float[2,3] b) => (float[2,3] y) { y = Div (b, x) }"
    assert outcome(graph(text), "reciprocal_as_div").after == {"Div": 1}


def test_of_unknown_shape_it_stays() -> None:
    model = graph("(float[N,3] x) => (float[N,3] y) { y = Reciprocal (x) }")
    assert refusals(model, "reciprocal_as_div") == {"the shape of Reciprocal is not known": 1}
