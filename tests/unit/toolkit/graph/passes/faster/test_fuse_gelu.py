"""Five operators become a Gelu."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

HEAD = """(float[2,8] x, float root, float one, float half)
    => (float[2,8] y) {
        a = Div (x, root) b = Erf (a) c = Add (b, one) """
SPELLINGS = [
    "d = Mul (x, c) y = Mul (d, half) }",
    "d = Mul (half, c) y = Mul (x, d) }",
    "d = Mul (x, half) y = Mul (d, c) }",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_five_operators_become_one(spelling: str) -> None:
    change = outcome(graph(HEAD + spelling, opset=17, root=1.4142135, one=1, half=0.5), "fuse_gelu")
    assert change.before == {"Div": 1, "Erf": 1, "Add": 1, "Mul": 2}
    assert change.after == {"Gelu": 1}
    assert change.error < 1e-6


@pytest.mark.parametrize("constants", [{"root": 1.5}, {"one": 2}, {"half": 0.4}])
def test_other_numbers_are_another_function(constants: dict[str, float]) -> None:
    change = outcome(
        graph(HEAD + SPELLINGS[0], opset=17, **{"root": 1.4142135, "one": 1, "half": 0.5} | constants), "fuse_gelu"
    )
    assert "Gelu" not in change.after


@pytest.mark.parametrize(
    ("size", "half", "reason"),
    [
        ("2,8", 0.4, "the factors beside 1 + Erf are not x and 0.5"),
        ("N,8", 0.5, "the shape of Erf is not known"),
    ],
)
def test_the_guard_says_why_not(size: str, half: float, reason: str) -> None:
    text = (HEAD + SPELLINGS[2]).replace("2,8", size)
    assert refusals(graph(text, root=1.4142135, one=1, half=half), "fuse_gelu") == {reason: 1}


def test_without_the_half_it_is_twice_as_much() -> None:
    model = graph(HEAD + "y = Mul (x, c) }", root=1.4142135, one=1, half=0.5)
    assert refusals(model, "fuse_gelu") == {"the factors beside 1 + Erf are not x and 0.5": 1}
