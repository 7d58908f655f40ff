"""Arithmetic on vectors works on rows."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals


@pytest.mark.parametrize("operator", ["Add", "Mul", "Sub"])
def test_a_vector_is_a_row_for_as_long_as_it_takes(operator: str) -> None:
    text = f"(float[8] x, float[8] b) => (float[8] y) {{ h = Tanh (x) y = {operator} (h, b) }}"
    change = outcome(graph(text), "vectors_as_rows")
    assert change.before == {"Tanh": 1, operator: 1}
    assert change.after == {"Tanh": 1, "Reshape": 2, operator: 1}
    assert change.error == 0


def test_one_after_the_other_stays_a_row() -> None:
    text = "(float[8] x, float[8] b, float c) => (float[8] y) { h = Add (x, b) i = Mul (c, h) y = Sub (i, h) }"
    change = outcome(graph(text), "vectors_as_rows")
    assert change.after == {"Reshape": 2, "Add": 1, "Mul": 1, "Sub": 1}
    assert change.error == 0


def test_numbers_are_rows_of_one() -> None:
    text = "(float[8] x, int64[1] axes, float b) => (float y) { h = ReduceMax <keepdims = 0> (x, axes) y = Mul (h, b) }"
    change = outcome(graph(text, axes=[0]), "vectors_as_rows")
    assert change.after == {"ReduceMax": 1, "Reshape": 2, "Mul": 1}
    assert change.error == 0


@pytest.mark.parametrize(
    "text",
    [
        "(float[2,8] x, float[8] b) => (float[2,8] y) { y = Add (x, b) }",
        "(float[2,8] x, float b) => (float[2,8] y) { y = Mul (x, b) }",
        "(float[8] x, int64[8] b) => (int64[8] y) { h = Cast <to = 7> (x) y = Add (h, b) }",
        "(float[8] x) => (float[8] y) { y = Relu (x) }",
    ],
)
def test_the_rest_stays(text: str) -> None:
    change = outcome(graph(text), "vectors_as_rows")
    assert change.after == change.before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "(float[8] x, int64[8] b) => (int64[8] y) { h = Cast <to = 7> (x) y = Add (h, b) }",
            "Add is not of floating-point numbers",
        ),
        ("(float[N] x, float[8] b) => (float[8] y) { y = Mul (x, b) }", "the shapes of Mul are not known"),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text), "vectors_as_rows") == {reason: 1}
