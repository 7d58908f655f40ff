"""Pulsar2's selectors, their priorities, and where a type takes effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]

WHOLE = {"start_tensor_names": ["DEFAULT"], "end_tensor_names": ["DEFAULT"]}


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], output, **attributes)


@pytest.fixture
def chain(make_model: Make) -> onnx.ModelProto:
    """pixel_values -> Neg n1 -> Neg n2 -> Sigmoid s -> Neg output."""
    nodes = [
        node("Neg", "pixel_values", "n1"),
        node("Neg", "n1", "n2"),
        node("Sigmoid", "n2", "s"),
        node("Neg", "s", "output"),
    ]
    return make_model(nodes, ["output"])


def kinds(made: Any) -> dict[str, str]:
    """The type in which each activation is stored."""
    return {name: made.plan.type_of(tensor.group) for name, tensor in made.plan.stored.items()}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([], ["U8", "U8", "U8", "U8", "U8"]),
        # An operator's output has the type of the next one's input.
        ([{"layer_name": "n2", "data_type": "U16"}], ["U8", "U16", "U8", "U8", "U8"]),
        ([{"layer_names": ["n1", "s"], "data_type": "U16"}], ["U16", "U8", "U16", "U8", "U8"]),
        ([{"op_type": "Neg", "data_type": "S16"}], ["S16", "S16", "U8", "S16", "S16"]),
        ([{"op_types": ["Sigmoid"], "data_type": "FP32"}], ["U8", "U8", "FP32", "U8", "U8"]),
        ([{**WHOLE, "data_type": "U16"}], ["U16"] * 5),
        (
            [{"start_tensor_names": ["n1"], "end_tensor_names": ["s"], "data_type": "U16"}],
            ["U8", "U16", "U16", "U8", "U8"],
        ),
        # A name wins over an operator, an operator over a part of the graph, whatever the order.
        (
            [
                {"layer_name": "n2", "data_type": "U8"},
                {"op_type": "Neg", "data_type": "S16"},
                {**WHOLE, "data_type": "U16"},
            ],
            ["S16", "U8", "U16", "S16", "S16"],
        ),
        # Of equals the last.
        (
            [{"layer_name": "n2", "data_type": "U16"}, {"layer_name": "n2", "data_type": "S16"}],
            ["U8", "S16", "U8", "U8", "U8"],
        ),
    ],
)
def test_which_tensors_have_which_type(chain: onnx.ModelProto, quantize: Quantize, layers: Any, expected: Any) -> None:
    made = quantize(chain, *layers)
    assert list(kinds(made).values()) == expected
    assert not made.plan.dropped
    made.run(np.zeros((1, 3, 4, 8), np.float32))


def test_sixteen_bits_by_hand(chain: onnx.ModelProto, quantize: Quantize) -> None:
    made = quantize(chain, {"layer_name": "n1", "data_type": "U16"}, {"layer_name": "n2", "data_type": "S16"})
    scale, zero_point = made.parameters("n1", 0)  # -2 to 4
    assert (scale, zero_point.dtype, zero_point) == (np.float32(6 / 65535), np.uint16, 21845)
    scale, zero_point = made.parameters("n2", 0)  # -4 to 2
    assert (scale, zero_point.dtype, zero_point) == (np.float32(4 / 32767.5), np.int16, 0)
    assert [opset.version for opset in made.model.opset_import] == [21]


@pytest.mark.parametrize("asked", ["U16", "S16"])
def test_a_product_of_activations_in_16_bit_is_signed(make_model: Make, quantize: Quantize, asked: str) -> None:
    nodes = [node("Transpose", "pixel_values", "turned", perm=[0, 1, 3, 2]), node("MatMul", "pixel_values turned", "y")]
    made = quantize(make_model(nodes, ["y"]), {"op_type": "MatMul", "data_type": asked})
    for position in (0, 1):
        scale, zero_point = made.parameters("MatMul", position)
        assert (scale, zero_point.dtype) == (np.float32(4 / 32767.5), np.int16)
    assert kinds(made) == {"pixel_values": "S16", "turned": "S16", "y": asked}


def test_of_two_widths_the_wider_is_stored_and_the_other_use_takes_a_copy(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("Neg", "pixel_values", "wide"), node("Abs", "pixel_values", "narrow")]
    made = quantize(make_model(nodes, ["wide", "narrow"]), {"op_type": "Neg", "data_type": "U16"})
    assert made.parameters("Neg", 0)[1].dtype == np.uint16
    assert made.parameters("Abs", 0) == (np.float32(6 / 255), 85)
    assert made.quantizers(made.node("Abs").input[0]) == 2


def test_weights_stay_8_bits_and_constant_operands_follow(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("MatMul", "pixel_values weight", "product"), node("Mul", "product two", "output")]
    constants = {"weight": np.eye(8, dtype=np.float32), "two": np.float32(2)}
    made = quantize(make_model(nodes, ["output"], constants), {**WHOLE, "data_type": "U16"})
    assert made.codes("MatMul", 1).dtype == np.int8
    assert made.parameters("Mul", 1) == (np.float32(2 / 65535), 0)


def test_a_conv_takes_float_at_its_output_and_weights_only(make_model: Make, quantize: Quantize) -> None:
    constants = {"weight": np.ones((2, 3, 1, 1), np.float32), "bias": np.ones(2, np.float32)}
    nodes = [node("Conv", "pixel_values weight bias", "conv"), node("Neg", "conv", "output")]
    model = make_model(nodes, ["output"], constants)
    layer = {"layer_name": "conv", "data_type": "U16", "output_data_type": "FP32", "weight_data_type": "FP32"}
    made = quantize(model, layer)
    assert kinds(made) == {"pixel_values": "U16", "conv": "FP32", "output": "U8"}
    assert made.is_float("Conv", 1)
    assert made.is_float("Conv", 2)
    assert made.plan.uses["output", 0].group == "conv@U8"  # what comes next takes U8 all the same


@pytest.mark.parametrize(
    ("layer", "note"),
    [
        ({"op_type": "Neg", "data_type": "FP32"}, "n1: asked for FP32, but Neg cannot be in float: it stays U8"),
        ({"layer_name": "nix", "data_type": "U16"}, "nix: asked for U16, but the model has none"),
        ({"op_types": ["Gelu"], "data_type": "U16"}, "Gelu: asked for U16, but the model has none"),
        (
            {"start_tensor_names": ["a"], "end_tensor_names": ["DEFAULT"], "data_type": "U16"},
            "a: asked for U16, but the model has none",
        ),
        (
            {"layer_name": "s", "data_type": "U16", "output_data_type": "FP32"},
            "s: asked for output_data_type FP32, but that is for Conv, not for Sigmoid",
        ),
    ],
)
def test_what_has_no_effect_is_told(chain: onnx.ModelProto, quantize: Quantize, layer: Any, note: str) -> None:
    made = quantize(chain, layer)
    assert str(made.plan.dropped[0]) == note
    assert "FP32" not in kinds(made).values()


def test_a_type_on_data_movement_follows_the_consumer(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("Transpose", "pixel_values", "turned"), node("Neg", "turned", "output")]
    model = make_model(nodes, ["output"])
    made = quantize(model, {"op_type": "Transpose", "data_type": "U16"})
    assert set(kinds(made).values()) == {"U8"}
    assert str(made.plan.dropped[0]) == (
        "turned: asked for U16, but Transpose only moves data: it follows what uses it"
    )
    made = quantize(model, {"op_type": "Neg", "data_type": "U16"})
    assert kinds(made) == {"pixel_values": "U16", "turned": "U16", "output": "U16"}
    assert not quantize(model, {**WHOLE, "data_type": "U16"}).plan.dropped  # nobody asked by name


def test_a_relu_in_float_is_neither_fused_nor_passive(make_model: Make, quantize: Quantize) -> None:
    nodes = [node("Neg", "pixel_values", "negative"), node("Relu", "negative", "output")]
    made = quantize(make_model(nodes, ["output"]), {"op_type": "Relu", "data_type": "FP32"})
    assert kinds(made) == {"pixel_values": "U8", "negative": "FP32", "output": "FP32"}
