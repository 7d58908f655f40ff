"""Softmax without its guard."""

from __future__ import annotations

import numpy as np
from support.graphs import graph, outcome

GUARDED = """(float[1,2,5,8] x, float[8,5] k, float[5,5] mask, float zero) => (float[1,2,5,5] y) {
    a = MatMul (x, k)
    s = Add (a, mask)
    p = Softmax <axis = -1> (s)
    n = IsNaN (p)
    y = Where (n, zero, p)
}"""


def test_the_guard_goes_where_nothing_is_masked() -> None:
    it = outcome(graph(GUARDED, zero=0), "drop_nan_guard")
    assert it.before == {"MatMul": 1, "Add": 1, "Softmax": 1, "IsNaN": 1, "Where": 1}
    assert it.after == {"MatMul": 1, "Add": 1, "Softmax": 1}
    assert it.error == 0


def test_with_a_mask_it_stays() -> None:
    mask = np.where(np.arange(25).reshape(5, 5) < 5, -np.inf, 0)
    assert outcome(graph(GUARDED, zero=0, mask=mask), "drop_nan_guard").after["Where"] == 1
