"""A Gather of neighbours is a Slice."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome

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
    it = outcome(graph(text, i=indices), "gather_as_slice")
    assert it.before == {"Gather": 1}
    assert it.after == after
    assert it.error == 0
