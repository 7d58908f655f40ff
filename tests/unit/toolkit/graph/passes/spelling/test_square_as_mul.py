"""A square is a product."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals


@pytest.mark.parametrize(("exponent", "after"), [(2, {"Mul": 1}), (3, {"Pow": 1})])
def test_only_a_square(exponent: int, after: dict[str, int]) -> None:
    change = outcome(graph("(float[2,3] x, float e) => (float[2,3] y) { y = Pow (x, e) }", e=exponent), "square_as_mul")
    assert change.before == {"Pow": 1}
    assert change.after == after
    assert change.error < 1e-6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2,3] x, float[1] e) => (float[2,3] y) { y = Pow (e, x) }", "the exponent of Pow is not 2"),
        ("(float[2,3] x, float[3] e) => (float[2,3] y) { y = Pow (x, e) }", "the exponent of Pow is not 2"),
        ("(float[N,3] x, float e) => (float[N,3] y) { y = Pow (x, e) }", "the shape of Pow is not known"),
        ("(float[2,3] x, float[1,1,1] e) => (float[1,2,3] y) { y = Pow (x, e) }", "Pow changes the shape"),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text, e=[2, 2, 2] if "[3] e" in text else 2), "square_as_mul") == {reason: 1}
