"""What does nothing goes."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome


@pytest.mark.parametrize(
    "nothing",
    [
        "Identity (a)",
        "Dropout (a)",
        "Add (a, zero)",
        "Mul (one, a)",
        "Div (a, one)",
        "Cast <to = 1> (a)",
        "Sub (a, zero)",
    ],
)
def test_it_goes(nothing: str) -> None:
    text = f"(float[2,3] x, float[3] zero, float one) => (float[2,3] y) {{ a = Relu (x) b = {nothing} y = Tanh (a) }}"
    it = outcome(graph(text.replace("Tanh (a)", "Tanh (b)"), zero=[0, 0, 0], one=1), "drop_no_ops")
    assert it.after == {"Relu": 1, "Tanh": 1}
    assert it.error == 0


@pytest.mark.parametrize("something", ["Sub (zero, a)", "Div (one, a)", "Mul (a, zero)"])
def test_what_does_something_stays(something: str) -> None:
    text = f"(float[2,3] x, float[3] zero, float one) => (float[2,3] y) {{ a = Exp (x) b = {something} y = Exp (b) }}"
    assert outcome(graph(text, zero=[0, 0, 0], one=1), "drop_no_ops").after.total() == 3


def test_a_resize_to_the_same_size_goes() -> None:
    text = """(float[1,2,4,4] x, int64[4] size) => (float[1,2,4,4] y) {
        a = Relu (x) b = Resize <mode = "linear"> (a, , , size) y = Tanh (b) }"""
    assert outcome(graph(text, size=[1, 2, 4, 4]), "drop_no_ops").after == {"Relu": 1, "Tanh": 1}
