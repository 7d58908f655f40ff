"""LayerScale goes into the weights."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome

SCALED = "(float[1,5,8] x, float[8,6] w, float[6] b, float[6] s) => (float[1,5,6] y) {a = MatMul (x, w) c = Add (a, b) "


@pytest.mark.parametrize("order", ["c, s", "s, c"])
def test_the_vector_goes(order: str) -> None:
    it = outcome(graph(f"{SCALED} y = Mul ({order}) }}"), "fold_layer_scale")
    assert it.before == {"MatMul": 1, "Add": 1, "Mul": 1}
    assert it.after == {"MatMul": 1, "Add": 1}
    assert it.error < 1e-6


def test_a_vector_over_tokens_stays() -> None:
    text = SCALED.replace("float[6] s", "float[5,1] s") + "y = Mul (c, s) }"
    assert outcome(graph(text), "fold_layer_scale").after["Mul"] == 1
