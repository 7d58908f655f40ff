"""A negation is a product."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals


def test_neg_becomes_mul() -> None:
    change = outcome(graph("(float[2,3] x) => (float[2,3] y) { y = Neg (x) }"), "neg_as_mul")
    assert (change.before, change.after) == ({"Neg": 1}, {"Mul": 1})
    assert change.error == 0


def test_whole_numbers_stay() -> None:
    text = "(float[2,3] x) => (int64[2,3] y) { a = Cast <to = 7> (x) y = Neg (a) }"
    assert outcome(graph(text), "neg_as_mul").after["Neg"] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "(float[2,3] x) => (int64[2,3] y) { a = Cast <to = 7> (x) y = Neg (a) }",
            "Neg is not of floating-point numbers",
        ),
        ("(float[N,3] x) => (float[N,3] y) { y = Neg (x) }", "the shape of Neg is not known"),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text), "neg_as_mul") == {reason: 1}
