"""Gemm becomes MatMul and Add."""

from __future__ import annotations

from support.graphs import graph, outcome


def test_alpha_beta_and_the_transposed_weight_go_into_the_constants() -> None:
    text = """(float[5,8] x, float[6,8] w, float[6] b)
        => (float[5,6] y) {
            y = Gemm <alpha=0.5, beta=2.0, transB=1> (x, w, b) }"""
    it = outcome(graph(text), "split_gemm")
    assert it.before == {"Gemm": 1}
    assert it.after == {"MatMul": 1, "Add": 1}
    assert it.error < 1e-6


def test_a_gemm_of_activations_stays() -> None:
    it = outcome(graph("(float[5,5] x) => (float[5,5] y) { y = Gemm (x, x) }"), "split_gemm")
    assert it.after == {"Gemm": 1}
