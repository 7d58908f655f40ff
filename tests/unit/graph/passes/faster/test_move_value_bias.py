"""The bias of the values becomes part of the output's."""

from __future__ import annotations

from support.attention import attention
from support.graphs import outcome


def test_it_moves_through_several_heads() -> None:
    it = outcome(attention(heads=4), "move_value_bias")
    assert (it.before["Add"], it.after["Add"]) == (4, 3)
    assert "bv" not in [tensor.name for tensor in it.model.graph.initializer]
    assert it.error < 1e-6
