"""What is one operator on the NPU: Relu, and a bias behind a MatMul. The input goes from -2 to 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]

STEP = np.float32(6 / 255)  # the scale of the input


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], output, **attributes)


def test_a_relu_alone_behind_its_producer_sets_the_range_of_both(make_model: Make, quantize: Quantize) -> None:
    made = quantize(
        make_model([node("Neg", "pixel_values", "negative"), node("Relu", "negative", "output")], ["output"])
    )
    assert "negative" not in made.plan.stored
    group = made.settled.groups["output"]
    assert (group.scale, group.zero_point) == (np.float32(2 / 255), 0)  # -4 to 2, and behind the Relu 0 to 2
    assert made.plan.stored["output"].rule == "Neg and Relu are one: the range behind both"
    assert made.is_float("Relu", 0)


def test_a_relu_whose_input_is_given_or_used_elsewhere_is_not_fused(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("Neg", "pixel_values", "negative"), node("Relu", "negative", "output")]
    made = quantize(make_model(nodes, ["output", "negative"]))
    assert made.plan.groups["negative"].members == ("negative", "output")
    assert not made.is_float("Relu", 0)


def test_a_relu_behind_what_moves_data_shares(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        node("Neg", "pixel_values", "negative"),
        node("Transpose", "negative", "turned"),
        node("Relu", "turned", "output"),
    ]
    made = quantize(make_model(nodes, ["output"]))
    assert made.plan.groups["negative"].members == ("negative", "turned", "output")


def linear(bias: Any, *, turned: bool = False) -> tuple[list[onnx.NodeProto], dict[str, Any]]:
    nodes = [
        node("MatMul", "pixel_values weight", "product"),
        node("Add", "bias product" if turned else "product bias", "output"),
    ]
    weight = np.zeros((8, 2), np.float32)
    weight[0] = [2, -0.5]
    return nodes, {"weight": weight, "bias": np.asarray(bias, np.float32)}


@pytest.mark.parametrize("turned", [False, True])
def test_a_bias_behind_a_product_is_added_in_the_accumulator(
    make_model: Make, quantize: Quantize, turned: bool
) -> None:
    nodes, constants = linear([0.5, -0.25], turned=turned)
    made = quantize(make_model(nodes, ["output"], constants))
    assert "product" not in made.plan.stored
    at = 0 if turned else 1
    scale, zero_point = made.parameters("Add", at)
    expected = STEP * (np.array([2, 0.5], np.float32) / np.float32(127.5))  # input times weight, for each column
    np.testing.assert_allclose(scale, expected, rtol=1e-6)
    assert zero_point.tolist() == [0, 0]
    np.testing.assert_array_equal(made.codes("Add", at), np.round([0.5, -0.25] / scale.astype(np.float64)))
    assert made.codes("Add", at).dtype == np.int32
    assert made.is_float("Add", 1 - at)


@pytest.mark.parametrize("bias", [[[0.5, -0.25]], [0.5]])
def test_a_bias_of_another_shape_is_a_constant_operand(make_model: Make, quantize: Quantize, bias: Any) -> None:
    nodes, constants = linear(bias)
    made = quantize(make_model(nodes, ["output"], constants))
    assert "product" in made.plan.stored
    assert made.codes("Add", 1).dtype == np.uint8


def test_product_bias_and_relu_are_one(make_model: Make, quantize: Quantize) -> None:
    nodes, constants = linear([0.5, -0.25])
    nodes.append(node("Relu", "output", "relu"))
    made = quantize(make_model(nodes, ["relu"], constants))
    assert set(made.plan.stored) == {"pixel_values", "relu"}
    assert made.settled.groups["relu"].zero_point == 0
