"""Softmax does not see the bias of the keys."""

from __future__ import annotations

from support.attention import ATTENTION, attention
from support.graphs import graph, outcome, refusals


def test_the_bias_of_the_keys_goes() -> None:
    change = outcome(attention(heads=2), "drop_key_bias")
    assert (change.before["Add"], change.after["Add"]) == (4, 3)
    assert "bk" not in [tensor.name for tensor in change.model.graph.initializer]
    assert change.error < 1e-6


def test_over_another_axis_it_counts() -> None:
    assert outcome(attention(heads=2, axis=2), "drop_key_bias").after["Add"] == 4


def test_over_the_queries_the_guard_says_so() -> None:
    assert refusals(attention(heads=2, axis=2), "drop_key_bias") == {"Softmax is not over the keys": 1}


def test_a_bias_that_differs_from_key_to_key_stays() -> None:
    text = ATTENTION.replace("AXIS", "-1").replace("k2 = Reshape (k1, heads)", "k = Reshape (k1, turned)")
    text = text.replace("k = Transpose <perm = [0,2,3,1]> (k2)\n", "").replace(
        "int64[3] rows)", "int64[3] rows, int64[4] turned)"
    )
    model = graph(text, heads=[1, 5, 2, 4], rows=[1, 5, 8], turned=[1, 2, 4, 5])
    assert refusals(model, "drop_key_bias") == {"the bias is not the same for all keys": 1}
