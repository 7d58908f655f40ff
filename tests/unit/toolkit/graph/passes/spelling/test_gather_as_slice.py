"""A Gather of neighbours is a Slice."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

TEXT = "(float[2,5,4] x, int64[N] i) => (float[OUT] y) { y = Gather <axis = 1> (x, i) }"


@pytest.mark.parametrize(
    ("shape", "indices", "out", "after"),
    [
        ("2", [1, 2], "2,2,4", {"Slice": 1}),
        ("2", [-2, -1], "2,2,4", {"Slice": 1}),
        ("", 3, "2,4", {"Slice": 1, "Reshape": 1}),
        ("2", [0, 2], "2,2,4", {"Gather": 1}),
    ],
)
def test_neighbours(shape: str, indices: object, out: str, after: dict[str, int]) -> None:
    text = TEXT.replace("[N]", f"[{shape}]" if shape else "").replace("OUT", out)
    change = outcome(graph(text, i=indices), "gather_as_slice")
    assert change.before == {"Gather": 1}
    assert change.after == after
    assert change.error == 0


_ORDER = "the indices of Gather do not follow each other"


@pytest.mark.parametrize(
    ("text", "indices", "reason"),
    [
        ("(float[2,5,4] x, int64[2] i) => (float[2,2,4] y) { y = Gather <axis = 1> (x, i) }", [0, 2], _ORDER),
        ("(float[2,5,4] x, int64[2] i) => (float[2,2,4] y) { y = Gather <axis = 1> (x, i) }", [2, 1], _ORDER),
        ("(float[2,5,4] x, int64[2] i) => (float[2,2,4] y) { y = Gather <axis = 1> (x, i) }", [-1, 0], _ORDER),
        (
            "(float[2] x, float[5] t, int64[2] i) => (float[2] y) { a = Gather (t, i) y = Add (a, x) }",
            [1, 2],
            "Gather takes from a constant, which would be folded",
        ),
        ("(float[5] x, int64 i) => (float y) { y = Gather (x, i) }", 1, "Gather gives a single number"),
    ],
)
def test_the_guard_says_why_not(text: str, indices: object, reason: str) -> None:
    assert refusals(graph(text, i=indices), "gather_as_slice") == {reason: 1}
