"""Softmax does not see the bias of the keys."""

from __future__ import annotations

from support.attention import attention
from support.graphs import outcome


def test_the_bias_of_the_keys_goes() -> None:
    it = outcome(attention(heads=2), "drop_key_bias")
    assert (it.before["Add"], it.after["Add"]) == (4, 3)
    assert "bk" not in [tensor.name for tensor in it.model.graph.initializer]
    assert it.error < 1e-6


def test_over_another_axis_it_counts() -> None:
    assert outcome(attention(heads=2, axis=2), "drop_key_bias").after["Add"] == 4
