"""Figures of cost, against what can be counted by hand."""

from __future__ import annotations

import pytest
from support.graphs import graph

from recipebuild.toolkit.graph.cost import layout_changes, multiply_adds, peak_activation_bytes, type_changes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(float[1,3,8,8] x, float[4,3,3,3] w) => (float[1,4,6,6] y) { y = Conv (x, w) }", 4 * 36 * 27),
        ("(float[1,4,8,8] x, float[4,1,3,3] w) => (float[1,4,6,6] y) { y = Conv <group = 4> (x, w) }", 4 * 36 * 9),
        ("(float[2,5,8] x, float[8,6] w) => (float[2,5,6] y) { y = MatMul (x, w) }", 2 * 5 * 8 * 6),
        ("(float[8,5] x, float[6,8] w) => (float[5,6] y) { y = Gemm <transA=1, transB=1> (x, w) }", 5 * 8 * 6),
        ("(float[1,3,4,4] x, float[3,2,2,2] w) => (float[1,2,5,5] y) { y = ConvTranspose (x, w) }", 3 * 16 * 2 * 4),
        ("(float[4,4] x) => (float[4,4] y) { y = Relu (x) }", 0),
    ],
)
def test_multiply_adds(text: str, expected: int) -> None:
    assert multiply_adds(graph(text)) == expected


def test_the_peak_is_where_most_lives_at_once() -> None:
    text = """(float[10] x, float[100] c) => (float[1] y) {
        a = Neg (x)
        b = Add (a, c)
        d = Neg (b)
        e = Neg (d)
        y = ReduceMax <keepdims = 1> (e)
    }"""
    assert peak_activation_bytes(graph(text.replace("[10]", "[1]"))) == 4 * 200  # b and d, or d and e


def test_what_a_residual_connection_needs_lives_on() -> None:
    text = "(float[100] x) => (float[100] y) { a = Neg (x) b = Neg (a) c = Neg (b) y = Add (a, c) }"
    assert peak_activation_bytes(graph(text)) == 4 * 300  # a, b and c


def test_a_reshape_takes_no_memory() -> None:
    text = "(float[100] x, int64[2] s) => (float[10,10] y) { a = Neg (x) b = Reshape (a, s) y = Neg (b) }"
    assert peak_activation_bytes(graph(text, s=[10, 10])) == 4 * 200


CONV = "(float[1,4,8,8] x, float[4,4,1,1] w, int64[3] flat) => "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONV + "(float[1,4,8,8] y) { a = Conv (x, w) b = Relu (a) y = Conv (b, w) }", 0),
        (CONV + "(float[1,8,8,4] y) { a = Conv (x, w) y = Transpose <perm = [0,2,3,1]> (a) }", 0),
        (CONV + "(float[1,4,64] y) { a = Conv (x, w) y = Reshape (a, flat) }", 1),
        (CONV + "(float[1,64,4] y) { a = Conv (x, w) b = Reshape (a, flat) y = Transpose <perm = [0,2,1]> (b) }", 2),
        ("(float[1,5,8] x) => (float[1,8,5] y) { y = Transpose <perm = [0,2,1]> (x) }", 1),
    ],
)
def test_layout_changes(text: str, expected: int) -> None:
    assert layout_changes(graph(text, flat=[1, 4, 64])) == expected


def test_type_changes() -> None:
    text = "(float[4] x) => (float[4] y) { a = Cast <to = 6> (x) y = Cast <to = 1> (a) }"
    assert type_changes(graph(text)) == 2
