"""Linear layers around image operators become 1x1 Convs."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

MLP = """(float[1,4,5,8] x, float[8,32] w1, float[32] b1, float[32,1,3,3] k, float[32,8] w2, float[8] b2)
    => (float[1,4,5,8] y) {
    a = MatMul (x, w1)
    b = Add (a, b1)
    c = Transpose <perm = [0,3,1,2]> (b)
    d = Conv <group = 32, pads = [1,1,1,1]> (c, k)
    e = Transpose <perm = [0,2,3,1]> (d)
    f = Gelu (e)
    g = MatMul (f, w2)
    y = Add (g, b2)
}"""


def test_an_mlp_around_a_depthwise_conv_stays_channels_first() -> None:
    change = outcome(graph(MLP), "dense_as_conv")
    assert change.before == {"MatMul": 2, "Add": 2, "Transpose": 2, "Conv": 1, "Gelu": 1}
    assert change.after == {"Conv": 3, "Transpose": 2, "Gelu": 1}
    assert change.error < 1e-5
    turned = [node.input[0] for node in change.model.graph.node if node.op_type == "Transpose"]
    assert "x" in turned, "the Transpose is of 8 channels, not of 32"


def test_a_transpose_is_not_moved_to_where_there_are_more_channels() -> None:
    text = """(float[1,4,5,8] x, float[8,2] w)
        => (float[1,2,4,5] y) {
            a = MatMul (x, w) b = Transpose <perm=[0,3,1,2]> (a) y = Relu (b) }"""
    assert outcome(graph(text), "dense_as_conv").after == {"MatMul": 1, "Transpose": 1, "Relu": 1}


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ("a = MatMul (x, w) y = Transpose <perm = [0,2,1,3]> (a)", "Transpose does not bring channels first"),
        (
            "a = MatMul (x, n) y = Transpose <perm = [0,3,1,2]> (a)",
            "Transpose would move to where there are more channels",
        ),
        ("a = Transpose <perm = [0,2,1,3]> (x) y = MatMul (a, w)", "Transpose does not bring channels last"),
        (
            "a = Transpose <perm = [0,2,3,1]> (x) y = MatMul (a, w)",
            "Transpose would move to where there are more channels",
        ),
    ],
)
def test_the_guard_says_why_not(nodes: str, reason: str) -> None:
    text = f"(float[1,8,8,8] x, float[8,16] w, float[8,2] n) => (float[a,b,c,d] y) {{ {nodes} }}"
    assert refusals(graph(text), "dense_as_conv") == {reason: 1}


def test_in_front_of_a_resize_it_moves_to_more_channels_too() -> None:
    text = """(float[1,4,4,8] x, float[8,2] n, int64[4] size) => (float[1,2,8,8] y) {
        a = MatMul (x, n) b = Transpose <perm = [0,3,1,2]> (a) y = Resize <mode = "linear"> (b, , , size) }"""
    result = outcome(graph(text, size=[1, 2, 8, 8]), "dense_as_conv")
    assert result.after == {"Transpose": 1, "Conv": 1, "Resize": 1}
    assert result.error < 1e-5
