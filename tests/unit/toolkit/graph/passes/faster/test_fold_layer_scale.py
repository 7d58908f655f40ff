"""LayerScale goes into the weights."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

SCALED = "(float[1,5,8] x, float[8,6] w, float[6] b, float[6] s) => (float[1,5,6] y) {a = MatMul (x, w) c = Add (a, b) "


@pytest.mark.parametrize("order", ["c, s", "s, c"])
def test_the_vector_goes(order: str) -> None:
    change = outcome(graph(f"{SCALED} y = Mul ({order}) }}"), "fold_layer_scale")
    assert change.before == {"MatMul": 1, "Add": 1, "Mul": 1}
    assert change.after == {"MatMul": 1, "Add": 1}
    assert change.error < 1e-6


def test_a_vector_over_tokens_stays() -> None:
    text = SCALED.replace("float[6] s", "float[5,1] s") + "y = Mul (c, s) }"
    assert outcome(graph(text), "fold_layer_scale").after["Mul"] == 1


@pytest.mark.parametrize("shape", ["5,1", "1", "5,6"])
def test_other_constants_stay_and_the_guard_says_why(shape: str) -> None:
    model = graph(SCALED.replace("float[6] s", f"float[{shape}] s") + "y = Mul (c, s) }")
    reason = "the constant of Mul is not a vector as long as the layer is wide"
    assert refusals(model, "fold_layer_scale") == {reason: 1}


def test_a_single_output_is_no_vector() -> None:
    text = "(float[5,8] x, float[8,1] w, float[1] s) => (float[5,1] y) { a = MatMul (x, w) y = Mul (a, s) }"
    assert refusals(graph(text), "fold_layer_scale") == {"the layer has one output only": 1}


def test_a_layer_that_something_else_takes_is_not_looked_at() -> None:
    text = SCALED.replace("float[1,5,6] y)", "float[1,5,6] y, float[1,5,6] c)") + "y = Mul (c, s) }"
    assert refusals(graph(text), "fold_layer_scale") == {}
