"""Gemm becomes MatMul and Add."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals


def test_alpha_beta_and_the_transposed_weight_go_into_the_constants() -> None:
    text = """(float[5,8] x, float[6,8] w, float[6] b)
        => (float[5,6] y) {
            y = Gemm <alpha=0.5, beta=2.0, transB=1> (x, w, b) }"""
    change = outcome(graph(text), "split_gemm")
    assert change.before == {"Gemm": 1}
    assert change.after == {"MatMul": 1, "Add": 1}
    assert change.error < 1e-6


@pytest.mark.parametrize(("turned", "moves"), [(0, {}), (1, {"Transpose": 1})])
def test_a_computed_weight_is_multiplied_and_the_bias_is_a_row(turned: int, moves: dict[str, int]) -> None:
    text = f"(float[5,5] x, float[5] b) => (float[5,5] y) {{ w = Tanh (x) y = Gemm <transB={turned}> (x, w, b) }}"
    change = outcome(graph(text), "split_gemm")
    assert change.after == {"Tanh": 1, "MatMul": 1, "Add": 1, **moves}
    assert change.error < 1e-6
    assert [list(tensor.dims) for tensor in change.model.graph.initializer] == [[1, 5]]


@pytest.mark.parametrize(
    "how", ["Gemm <transA=1> (x, w, b)", "Gemm <alpha=2.0> (x, x, b)", "Gemm <beta=2.0> (x, x, b)", "Gemm (x, w, x)"]
)
def test_other_gemms_stay(how: str) -> None:
    change = outcome(graph(f"(float[5,5] x, float[5,5] w, float[5] b) => (float[5,5] y) {{ y = {how} }}"), "split_gemm")
    assert change.after == {"Gemm": 1}


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("Gemm <transA=1> (x, w, b)", "Gemm transposes its first matrix"),
        ("Gemm <alpha=2.0> (x, x, b)", "Gemm scales a weight that is computed"),
        ("Gemm <beta=2.0> (x, x, b)", "Gemm scales a weight that is computed"),
        ("Gemm (x, w, x)", "the bias of Gemm is not a constant vector"),
        ("Gemm (x, w, w)", "the bias of Gemm is not a constant vector"),
    ],
)
def test_the_guard_says_why_not(how: str, reason: str) -> None:
    model = graph(f"(float[5,5] x, float[5,5] w, float[5] b) => (float[5,5] y) {{ y = {how} }}")
    assert refusals(model, "split_gemm") == {reason: 1}


def test_of_unknown_shapes_it_stays() -> None:
    model = graph("(float[N,5] x, float[5,5] w) => (float[N,5] y) { y = Gemm (x, w) }")
    assert refusals(model, "split_gemm") == {"the shapes of Gemm are not known": 1}
