"""A square is a product."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome


@pytest.mark.parametrize(("exponent", "after"), [(2, {"Mul": 1}), (3, {"Pow": 1})])
def test_only_a_square(exponent: int, after: dict[str, int]) -> None:
    it = outcome(graph("(float[2,3] x, float e) => (float[2,3] y) { y = Pow (x, e) }", e=exponent), "square_as_mul")
    assert it.before == {"Pow": 1}
    assert it.after == after
    assert it.error < 1e-6
