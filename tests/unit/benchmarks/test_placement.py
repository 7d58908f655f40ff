from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.peers.placement import Placement, count


def graph(text: str, *constants: str) -> Any:
    """The graph of ``out = Operator(in, ...)`` lines, with these constants besides scale and zero."""
    from onnx import TensorProto, helper

    nodes = []
    for number, line in enumerate(text.split(";")):
        output, call = line.strip().split(" = ")
        kind, _, taken = call.rstrip(")").partition("(")
        nodes.append(helper.make_node(kind, taken.split(", "), [output], name=str(number)))
    held = [helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0]) for name in ("s", *constants)]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1])
    return helper.make_graph(nodes, "g", [image], [], held)


def test_a_float_graph_has_no_codes() -> None:
    model = graph("a = MatMul(image, w); b = Softmax(a)", "w")
    assert count(model) == Placement(3, 0, Counter({"MatMul": 1, "Softmax": 1}))


def test_an_operator_runs_in_8_bits_where_all_that_it_takes_was_dequantized() -> None:
    model = graph("q = QuantizeLinear(image, s); d = DequantizeLinear(q, s); a = MatMul(d, w); b = Add(a, d)", "w")
    assert count(model) == Placement(3, 1, Counter({"Add": 1}))


@pytest.mark.parametrize("kind", ["Reshape", "Transpose", "Slice", "Relu"])
def test_what_only_lays_out_codes_is_no_tensor_of_its_own(kind: str) -> None:
    model = graph(f"q = QuantizeLinear(image, s); d = DequantizeLinear(q, s); l = {kind}(d); a = Softmax(l)")
    assert count(model) == Placement(2, 1, Counter())


def test_a_bias_counts_with_its_product_and_its_sum_has_codes_only_once_quantized() -> None:
    start = "q = QuantizeLinear(image, s); d = DequantizeLinear(q, s); a = MatMul(d, w); c = Add(a, b)"
    assert count(graph(f"{start}; e = Softmax(c)", "w", "b")) == Placement(3, 1, Counter({"Softmax": 1}))
    behind = "p = QuantizeLinear(c, s); e = DequantizeLinear(p, s); f = Softmax(e)"
    assert count(graph(f"{start}; {behind}", "w", "b")) == Placement(3, 2, Counter())


def test_an_addition_of_a_constant_elsewhere_is_an_operator() -> None:
    assert count(graph("a = Softmax(image); c = Add(a, b)", "b")) == Placement(3, 0, Counter({"Softmax": 1, "Add": 1}))


def test_codes_that_are_quantized_once_more_count_once() -> None:
    chain = (
        "q = QuantizeLinear(image, s); d = DequantizeLinear(q, s); r = QuantizeLinear(d, s); e = DequantizeLinear(r, s)"
    )
    assert count(graph(f"{chain}; a = Softmax(e)")) == Placement(2, 1, Counter())


def test_quantized_weights_are_no_activations() -> None:
    model = graph("v = DequantizeLinear(w, s); t = Transpose(v); a = MatMul(image, t)", "w")
    assert count(model) == Placement(2, 0, Counter({"MatMul": 1}))
