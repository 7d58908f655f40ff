"""The bias of the values becomes part of the output's."""

from __future__ import annotations

from support.attention import ATTENTION, attention
from support.graphs import graph, outcome, refusals


def test_it_moves_through_several_heads() -> None:
    change = outcome(attention(heads=4), "move_value_bias")
    assert (change.before["Add"], change.after["Add"]) == (4, 3)
    assert "bv" not in [tensor.name for tensor in change.model.graph.initializer]
    assert change.error < 1e-6


def test_a_bias_that_arrives_mixed_stays() -> None:
    text = ATTENTION.replace("AXIS", "-1").replace("o2 = Reshape (o1,", "o2 = Reshape (o0,")
    text = text.replace("o1 = Transpose <perm = [0,2,1,3]> (o0)\n", "")
    model = graph(text, heads=[1, 5, 2, 4], rows=[1, 5, 8])
    assert refusals(model, "move_value_bias") == {"the bias of the values does not reach the projection as one row": 1}


def test_values_that_differ_from_token_to_token_stay() -> None:
    text = ATTENTION.replace("AXIS", "-1").replace("Transpose <perm = [0,2,1,3]> (v2)", "Reshape (v2, turned)")
    text = text.replace("int64[3] rows)", "int64[3] rows, int64[4] turned)")
    model = graph(text, heads=[1, 5, 2, 4], rows=[1, 5, 8], turned=[1, 2, 5, 4])
    assert refusals(model, "move_value_bias") == {"the bias of the values does not reach the projection as one row": 1}
