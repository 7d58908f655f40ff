"""A product per head."""

from __future__ import annotations

import pytest
from support.attention import attention
from support.graphs import graph, outcome, refusals


def test_queries_keys_and_values_come_out_by_head() -> None:
    change = outcome(attention(heads=2), "stack_heads", "merge_moves", "share_equal")
    # Two stay: that of the keys, and the one behind the values.
    assert (change.before["Transpose"], change.after["Transpose"]) == (4, 2)
    assert (change.before["Reshape"], change.after["Reshape"]) == (4, 2)
    assert change.before["MatMul"] == change.after["MatMul"]
    assert change.error < 1e-6


def test_one_head_needs_no_stack() -> None:
    change = outcome(attention(heads=1), "stack_heads")
    assert change.after == change.before


LAYER = "(float[SIZE] x, float[8,8] w, int64[RANK] shape) => (float[OUT] y) { a = MatMul (x, w) b = Reshape (a, shape) "


@pytest.mark.parametrize(
    ("shape", "perm", "reason"),
    [
        ([1, 5, 8], [0, 2, 1], "Reshape does not split the layer into heads"),
        ([1, 10, 2, 2], [0, 2, 1, 3], "Reshape does not split the layer into heads"),
        ([1, 5, 1, 8], [0, 2, 1, 3], "there is one head"),
        ([1, 5, 2, 4], [0, 1, 3, 2], "Transpose does not bring the heads first"),
    ],
)
def test_the_guard_says_why_not(shape: list[int], perm: list[int], reason: str) -> None:
    text = (
        LAYER.replace("SIZE", "1,5,8").replace("RANK", str(len(shape))).replace("OUT", ",".join("abcd"[: len(shape)]))
    )
    text += f"y = Transpose <perm = {perm}> (b) }}"
    assert refusals(graph(text, shape=shape), "stack_heads") == {reason: 1}


def test_of_an_input_of_unknown_shape_it_stays() -> None:
    text = LAYER.replace("SIZE", "1,N,8").replace("RANK", "4").replace("OUT", "1,2,5,4")
    text += "y = Transpose <perm = [0,2,1,3]> (b) }"
    model = graph(text, shape=[1, 5, 2, 4])
    assert refusals(model, "stack_heads") == {"the shape of the layer's input is not known": 1}
