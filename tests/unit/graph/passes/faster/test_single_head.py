"""With one head, keys and output need no weights of their own."""

from __future__ import annotations

from support.attention import attention
from support.graphs import outcome

BEFORE = ("merge_moves", "drop_key_bias", "move_value_bias")


def test_two_products_of_six_go() -> None:
    it = outcome(attention(heads=1), *BEFORE, "single_head")
    assert (it.before["MatMul"], it.after["MatMul"]) == (6, 4)
    assert it.error < 1e-5


def test_with_two_heads_all_stay() -> None:
    assert outcome(attention(heads=2), *BEFORE, "single_head").after["MatMul"] == 6
