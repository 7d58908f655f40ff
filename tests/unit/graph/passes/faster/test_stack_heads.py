"""A product per head."""

from __future__ import annotations

from support.attention import attention
from support.graphs import outcome


def test_queries_keys_and_values_come_out_by_head() -> None:
    it = outcome(attention(heads=2), "stack_heads", "merge_moves", "share_equal")
    assert (it.before["Transpose"], it.after["Transpose"]) == (4, 2)  # that of the keys, and the one behind the values
    assert (it.before["Reshape"], it.after["Reshape"]) == (4, 2)
    assert it.before["MatMul"] == it.after["MatMul"]
    assert it.error < 1e-6


def test_one_head_needs_no_stack() -> None:
    it = outcome(attention(heads=1), "stack_heads")
    assert it.after == it.before
