"""A Reshape moves behind what works on rows, until it meets its inverse."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import graph, outcome, refusals

ROWS = """(float[1,4,5,8] x, int64[3] flat, int64[4] image, float[8] s, float[8] b, float[8,8] w)
    => (float[1,4,5,8] y) {
    r = Reshape (x, flat)
    n = LayerNormalization <axis = -1> (r, s, b)
    m = MatMul (n, w)
    a = Add (m, b)
    g = Gelu (a)
    z = Add (g, r)
    u = Reshape (z, image)
    y = Relu (u)
}"""


def test_it_passes_a_residual_block_and_cancels() -> None:
    change = outcome(graph(ROWS, flat=[1, 20, 8], image=[1, 4, 5, 8]), "merge_moves", "sink_reshape")
    assert change.before["Reshape"] == 2
    assert change.after == {"LayerNormalization": 1, "MatMul": 1, "Add": 2, "Gelu": 1, "Relu": 1}
    assert change.error < 1e-6


BRANCH = """(float[1,4,5,8] x, int64[3] flat, int64[4] heads, float[8,8] w, float[8] b, int64[4] image)
    => (float[1,4,5,8] y) {
    r = Reshape (x, flat)
    h = Reshape (r, heads)
    t = Transpose <perm = [0,2,1,3]> (h)
    q = Softmax <axis = -1> (t)
    back = Transpose <perm = [0,2,1,3]> (q)
    rows = Reshape (back, flat)
    m = MatMul (rows, w)
    a = Add (m, b)
    z = Add (a, r)
    u = Reshape (z, image)
    y = Relu (u)
}"""


def test_the_other_branch_is_arranged_alike_where_its_rows_are_made() -> None:
    constants: dict[str, Any] = {"flat": [1, 20, 8], "heads": [1, 20, 2, 4], "image": [1, 4, 5, 8]}
    change = outcome(graph(BRANCH, **constants), "merge_moves", "sink_reshape")
    assert (change.before["Reshape"], change.after["Reshape"]) == (4, 2)
    assert change.error < 1e-6


@pytest.mark.parametrize("operator", ["Softmax <axis = 1>", "ReduceSum <keepdims = 1>", "Transpose <perm = [0,2,1]>"])
def test_what_mixes_rows_is_not_passed(operator: str) -> None:
    text = f"""(float[1,4,4,4] x, int64[3] flat)
        => (float[] y) {{
            r = Reshape (x, flat) n = {operator} (r) y = ReduceMax <keepdims=0> (n) }}"""
    change = outcome(graph(text, flat=[1, 16, 4]), "sink_reshape")
    assert change.model.graph.node[0].op_type == "Reshape"


def test_a_weight_that_happens_to_have_the_shape_of_the_data_is_left_as_it_is() -> None:
    text = """(float[1,2,4,8] x, int64[2] flat, float[8,8] w, float[8,8] added) => (float[8,8] y) {
        r = Reshape (x, flat) m = MatMul (r, w) y = Add (m, added) }"""
    change = outcome(graph(text, flat=[8, 8]), "sink_reshape")
    shapes = {tensor.name: tuple(tensor.dims) for tensor in change.model.graph.initializer}
    assert shapes["w"] == (8, 8) and shapes["added_arranged"] == (1, 2, 4, 8)
    assert change.error < 1e-6


@pytest.mark.parametrize("operator", ["Softmax <axis = 1>", "ReduceSum <keepdims = 1>", "Transpose <perm = [0,2,1]>"])
def test_the_guard_says_which_operator_mixes_rows(operator: str) -> None:
    text = f"(float[1,4,4,4] x, int64[3] flat) => (float[a,b,c] y) {{ r = Reshape (x, flat) y = {operator} (r) }}"
    reason = f"{operator.split()[0]} does not treat each row alone"
    assert refusals(graph(text, flat=[1, 16, 4]), "sink_reshape") == {reason: 1}


@pytest.mark.parametrize("other", ["a = MatMul (r, t)", "a = Sub (r, v)"])
def test_operands_that_differ_from_row_to_row_are_not_passed(other: str) -> None:
    text = f"""(float[1,4,4,4] x, int64[3] flat, float[1,4,4] t, float[16,1] v) => (float[a,b,c] y) {{
        r = Reshape (x, flat) {other} y = Relu (a) }}"""
    operator = other.split()[2]
    assert refusals(graph(text, flat=[1, 16, 4]), "sink_reshape") == {f"{operator} does not treat each row alone": 1}
