"""With one head, keys and output need no weights of their own."""

from __future__ import annotations

import pytest
from support.attention import attention
from support.graphs import graph, outcome, refusals

BEFORE = ("merge_moves", "drop_key_bias", "move_value_bias")


def test_two_products_of_six_go() -> None:
    change = outcome(attention(heads=1), *BEFORE, "single_head")
    assert (change.before["MatMul"], change.after["MatMul"]) == (6, 4)
    assert change.error < 1e-5


def test_with_two_heads_all_stay() -> None:
    assert outcome(attention(heads=2), *BEFORE, "single_head").after["MatMul"] == 6


PLAIN = """(float[5,8] x, float[8,8] wq, float[8,8] wk, float[5,8] v) => (float[5,8] y) {
    q = MatMul (x, wq)
    k = MatMul (x, wk)
    t = Transpose <perm = [1,0]> (k)
    s = MatMul (q, t)
    p = Softmax <axis = -1> (s)
    y = MatMul (p, v)
}"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PLAIN, "MatMul is not of a batch of matrices"),
        (
            PLAIN.replace("[1,0]", "[0,2,1]").replace("[5,8] x", "[2,5,8] x").replace("[5,8] y", "[2,5,8] y"),
            "MatMul is of several heads or images",
        ),
        (
            PLAIN.replace("[1,0]", "[0,2,1]").replace("[5,8]", "[1,5,8]").replace("[8,8]", "[8,4]"),
            "the weights that would go are not square",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    assert refusals(graph(text), "single_head") == {reason: 1}
