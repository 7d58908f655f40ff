"""Weights, biases and constant operands, by hand. The input goes from -2 to 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.parameters import settle
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.ranges import Range
from recipebuild.toolkit.quantize.write import written

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]

STEP = np.float32(6 / 255)  # the scale of the input


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], output, **attributes)


def test_a_convolution(make_model: Make, quantize: Quantize) -> None:
    weight = np.array([[1, -2, 0.5], [0.25, 0.125, -0.125]], np.float32)[:, :, None, None]
    constants = {"weight": weight, "bias": np.array([0.5, -0.25], np.float32)}
    made = quantize(make_model([node("Conv", "pixel_values weight bias", "output")], ["output"], constants))

    assert made.parameters("Conv", 0) == (STEP, 85)  # 2 / (6 / 255)
    scale, zero_point = made.parameters("Conv", 1)
    np.testing.assert_array_equal(scale, np.array([2, 0.25], np.float32) / np.float32(127.5))
    assert (zero_point.dtype, zero_point.tolist()) == (np.int8, [0, 0])
    assert made.codes("Conv", 1).reshape(2, 3).tolist() == [[64, -127, 32], [127, 64, -64]]
    bias_scale, bias_zero_point = made.parameters("Conv", 2)
    np.testing.assert_array_equal(bias_scale, STEP * scale)
    assert (bias_zero_point.dtype, bias_zero_point.tolist()) == (np.int32, [0, 0])
    np.testing.assert_array_equal(made.codes("Conv", 2), np.round([0.5, -0.25] / bias_scale.astype(np.float64)))


@pytest.mark.parametrize(
    ("operator", "shape", "attributes", "axis"),
    [
        ("Conv", (4, 3, 1, 1), {}, 0),
        ("ConvTranspose", (3, 4, 1, 1), {}, 1),
        ("Gemm", (32, 4), {}, 1),
        ("Gemm", (4, 32), {"transB": 1}, 0),
        ("MatMul", (8, 4), {}, 1),
        ("MatMul", (3, 8, 4), {}, 2),
    ],
)
def test_scales_are_along_the_output_channels(
    make_model: Make, quantize: Quantize, operator: str, shape: Any, attributes: Any, axis: int
) -> None:
    weight = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    nodes = [node(operator, "rows weight" if operator == "Gemm" else "pixel_values weight", "output", **attributes)]
    if operator == "Gemm":
        nodes.insert(0, node("Reshape", "pixel_values flat", "rows"))
    made = quantize(make_model(nodes, ["output"], {"weight": weight, "flat": np.array([3, 32])}))
    others = tuple(i for i in range(weight.ndim) if i != axis)
    np.testing.assert_allclose(made.parameters(operator, 1)[0], np.abs(weight).max(others) / 127.5, rtol=1e-6)


@pytest.mark.parametrize("operator", ["Add", "Mul", "Sub"])
def test_a_constant_operand_has_one_scale_over_its_own_values_and_zero(
    make_model: Make, quantize: Quantize, operator: str
) -> None:
    vector = np.array([50, 0.01, 2, 2, 2, 2, 2, -1], np.float32)  # an outlier: 0.01 is lost
    made = quantize(make_model([node(operator, "pixel_values vector", "output")], ["output"], {"vector": vector}))
    assert made.parameters(operator, 1) == (np.float32(51 / 255), 5)  # -1 to 50
    assert made.codes(operator, 1).tolist() == [255, 5, 15, 15, 15, 15, 15, 0]

    positive = quantize(make_model([node(operator, "pixel_values two", "output")], ["output"], {"two": np.float32(2)}))
    assert positive.parameters(operator, 1) == (np.float32(2 / 255), 0)


def test_a_division_by_a_constant_is_a_multiplication_by_its_reciprocal(make_model: Make, quantize: Quantize) -> None:
    divisor = np.array([4, 0.5] * 4, np.float32)
    made = quantize(make_model([node("Div", "pixel_values divisor", "output")], ["output"], {"divisor": divisor}))
    assert made.operators() == ["Mul"]
    assert made.parameters("Mul", 1) == (np.float32(2 / 255), 0)  # 0.25 and 2
    assert made.codes("Mul", 1).tolist() == [32, 255] * 4  # 31.9


def test_a_layer_normalization_keeps_its_scale_and_shift(make_model: Make, quantize: Quantize) -> None:
    constants = {"gain": np.array([1, 0.001, 100, 1, 1, 1, 1, 1], np.float32), "shift": np.ones(8, np.float32)}
    made = quantize(
        make_model([node("LayerNormalization", "pixel_values gain shift", "output")], ["output"], constants)
    )
    assert not made.is_float("LayerNormalization", 0)
    assert made.is_float("LayerNormalization", 1)
    assert made.is_float("LayerNormalization", 2)


@pytest.mark.parametrize("kind", ["S32", "U32"])
def test_the_scale_of_a_layer_normalization_in_32_bits(make_model: Make, spec: ImageSpec, kind: Any) -> None:
    gain = np.array([1, 0.001, 100, 1, 1, 1, 1, 1], np.float32)
    constants = {"gain": gain, "shift": np.ones(8, np.float32)}
    model = make_model([node("LayerNormalization", "pixel_values gain shift", "output")], ["output"], constants)
    model = prepare(model, spec)
    plan = planned(model, layer_norm_scale=kind)
    assert [constant.type for constant in plan.constants.values()] == ["S32", "FP32"]  # the shift stays
    ranges = dict.fromkeys(plan.groups, Range(-1, 1))
    settled = settle(model, plan, ranges)
    assert settled.constants["output", 1].scale == pytest.approx(100 / (2**31 - 0.5), rel=1e-6)
    assert set(settled.constants) == {("output", 1)}
    np.testing.assert_allclose(
        run_constant(written(model, plan, settled), "gain_quantized"), gain / (100 / 2**31), atol=1
    )


def run_constant(model: onnx.ModelProto, name: str) -> Any:
    return next(onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name == name)


def test_the_bias_of_a_conv_in_float(make_model: Make, spec: ImageSpec) -> None:
    constants = {"weight": np.ones((2, 3, 1, 1), np.float32), "bias": np.ones(2, np.float32)}
    nodes = [node("Conv", "pixel_values weight bias", "conv"), node("MatMul", "conv matrix", "product")]
    nodes.append(node("Add", "product other", "output"))
    constants |= {"matrix": np.eye(8, dtype=np.float32), "other": np.ones(8, np.float32)}
    plan = planned(prepare(make_model(nodes, ["output"], constants), spec), conv_bias="FP32")
    assert {place: bias.type for place, bias in plan.biases.items()} == {("conv", 2): "FP32", ("output", 1): "S32"}


def test_a_bias_that_does_not_fit_its_scale_stays_in_float(make_model: Make, quantize: Quantize) -> None:
    constants = {"weight": np.full((1, 3, 1, 1), 1e-12, np.float32), "bias": np.ones(1, np.float32)}
    made = quantize(make_model([node("Conv", "pixel_values weight bias", "output")], ["output"], constants))
    assert made.is_float("Conv", 2)
    assert "output" in made.plan.stored


def test_calibration_runs_on_quantized_weights(make_model: Make, quantize: Quantize, batches: list[Any]) -> None:
    # 0.004 and 1 of one column: a step is 1 / 127.5, so the first becomes 0.0078, nearly twice as much.
    weight = np.zeros((8, 1), np.float32)
    weight[:2, 0] = [0.004, 1]
    made = quantize(make_model([node("MatMul", "pixel_values weight", "output")], ["output"], {"weight": weight}))
    step = 1 / 127.5
    results = [batch[..., 0] * step + batch[..., 1] * 127 * step for batch in batches]
    low, high = min(result.min() for result in results), max(result.max() for result in results)
    assert made.ranges["output"].low == pytest.approx(low, rel=1e-5)
    assert made.ranges["output"].high == pytest.approx(high, rel=1e-5)


def test_a_weight_that_two_operators_share_is_stored_once(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("MatMul", "pixel_values weight", "middle"), node("MatMul", "middle weight", "output")]
    made = quantize(make_model(nodes, ["output"], {"weight": np.eye(8, dtype=np.float32)}))
    assert made.node("middle").input[1] == made.node("output").input[1]
    assert "weight" not in made.stored
