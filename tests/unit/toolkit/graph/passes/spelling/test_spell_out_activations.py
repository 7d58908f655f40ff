"""ONNX Runtime's own activations, and Swish, in common operators."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import graph, outcome, refusals


def _of_onnx_runtime(text: str) -> onnx.ModelProto:
    model = graph(f"(float[2,3,8] x, float[8] b) => (float[2,3,8] y) {{ y = com.microsoft.{text} }}", opset=17)
    model.opset_import.add(domain="com.microsoft", version=1)
    return model


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("QuickGelu (x)", {"Mul": 2, "Sigmoid": 1}),
        ("QuickGelu <alpha = 1.0> (x)", {"Mul": 1, "Sigmoid": 1}),
        ("Gelu (x)", {"Gelu": 1}),
        ("BiasGelu (x, b)", {"Add": 1, "Gelu": 1}),
        ("FastGelu (x)", {"Gelu": 1}),
        ("FastGelu (x, b)", {"Add": 1, "Gelu": 1}),
    ],
)
def test_activations_of_onnx_runtime(text: str, after: dict[str, int]) -> None:
    change = outcome(_of_onnx_runtime(text), "spell_out_activations")
    assert change.after == after
    assert {node.domain for node in change.model.graph.node} == {""}
    assert [opset.domain for opset in change.model.opset_import] == [""]
    assert change.error < 1e-6


@pytest.mark.parametrize(("how", "products"), [("", 1), ("<alpha = 1.0>", 1), ("<alpha = 1.5>", 2)])
def test_swish(how: str, products: int) -> None:
    change = outcome(
        graph(f"(float[2,8] x) => (float[2,8] y) {{ y = Swish {how} (x) }}", opset=24), "spell_out_activations"
    )
    assert change.before == {"Swish": 1}
    assert change.after == {"Mul": products, "Sigmoid": 1}
    assert change.error < 1e-6


def test_onnx_s_own_gelu_stays() -> None:
    change = outcome(graph("(float[2,8] x) => (float[2,8] y) { y = Gelu (x) }"), "spell_out_activations")
    assert change.after == {"Gelu": 1}


def test_of_unknown_shape_it_stays() -> None:
    model = graph("(float[N,8] x) => (float[N,8] y) { y = Swish (x) }", opset=24)
    assert refusals(model, "spell_out_activations") == {"the shape of Swish is not known": 1}
