"""Softmax without its guard."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import graph, outcome, refusals

GUARDED = """(float[1,2,5,8] x, float[8,5] k, float[5,5] mask, float zero) => (float[1,2,5,5] y) {
    a = MatMul (x, k)
    s = Add (a, mask)
    p = Softmax <axis = -1> (s)
    n = IsNaN (p)
    y = Where (n, zero, p)
}"""


def test_the_guard_goes_where_nothing_is_masked() -> None:
    change = outcome(graph(GUARDED, zero=0), "drop_nan_guard")
    assert change.before == {"MatMul": 1, "Add": 1, "Softmax": 1, "IsNaN": 1, "Where": 1}
    assert change.after == {"MatMul": 1, "Add": 1, "Softmax": 1}
    assert change.error == 0


def test_with_a_mask_it_stays() -> None:
    mask = np.where(np.arange(25).reshape(5, 5) < 5, -np.inf, 0)
    assert outcome(graph(GUARDED, zero=0, mask=mask), "drop_nan_guard").after["Where"] == 1


@pytest.mark.parametrize(
    ("old", "new", "mask", "reason"),
    [
        ("Add (a, mask)", "Add (a, a)", 0.0, "Add of the scores takes what is not a constant"),
        ("Add (a, mask)", "Add (a, mask)", -np.inf, "Add of the scores takes a constant that is not finite"),
        ("s = Add (a, mask)", "s = Relu (a)", 0.0, "the scores do not come from MatMul"),
    ],
)
def test_the_guard_says_why_not(old: str, new: str, mask: float, reason: str) -> None:
    model = graph(GUARDED.replace(old, new), zero=0, mask=np.full((5, 5), mask))
    assert refusals(model, "drop_nan_guard") == {reason: 1}
