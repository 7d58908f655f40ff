"""The type of each activation, and who shares parameters: on small graphs, by hand. The input goes from -2 to 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.toolkit.quantize.sharing import stored

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]

STEP = np.float32(6 / 255)  # the scale of the input


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A node, named as what it gives."""
    names = outputs.split()
    return helper.make_node(operator, inputs.split(), names, names[0], **attributes)


def test_the_product_of_two_activations_takes_both_signed(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        node("Sigmoid", "pixel_values", "first"),
        node("Transpose", "pixel_values", "turned", perm=[0, 1, 3, 2]),
        node("MatMul", "first turned", "output"),
    ]
    made = quantize(make_model(nodes, ["output"]))
    largest = 1 / (1 + np.exp(np.float32(-4)))
    scale, zero_point = made.parameters("MatMul", 0)
    assert scale == pytest.approx(largest / 127.5, rel=1e-6)  # 0.98 / 127.5: the lower half of the codes is not used
    assert (zero_point.dtype, zero_point) == (np.int8, 0)
    assert made.quantizers(made.node("MatMul").input[0]) == 2  # of the input, and of what Sigmoid gives: no copy


def test_a_tensor_with_another_use_stays_unsigned_and_the_product_takes_a_copy(
    make_model: Make, quantize: Quantize
) -> None:
    nodes = [
        node("Neg", "pixel_values", "negative"),
        node("ReduceMean", "negative", "mean", keepdims=1),
        node("Sigmoid", "pixel_values", "other"),
        node("Transpose", "other", "turned", perm=[0, 1, 3, 2]),
        node("MatMul", "negative turned", "output"),
    ]
    made = quantize(make_model(nodes, ["output", "mean"]))
    assert made.parameters("ReduceMean", 0) == (STEP, 170)  # -4 to 2, unsigned: 4 / (6 / 255)
    scale, zero_point = made.parameters("MatMul", 0)
    assert (scale, zero_point.dtype) == (np.float32(4 / 127.5), np.int8)
    assert made.quantizers(made.node("MatMul").input[0]) == 3  # the input, what Neg gives, and its copy
    assert made.plan.uses["output", 0].group == "negative@S8"
    assert (
        made.plan.uses["output", 0].rule == "product of two activations: S8, symmetric; a copy, as it is stored in U8"
    )


def test_what_moves_data_to_products_only_is_quantized_anew_if_its_source_has_other_uses(
    make_model: Make, quantize: Quantize
) -> None:
    nodes = [
        node("Neg", "pixel_values", "negative"),
        node("ReduceMean", "negative", "mean", keepdims=1),
        node("Transpose", "negative", "turned", perm=[0, 1, 3, 2]),
        node("MatMul", "pixel_values turned", "output"),
    ]
    made = quantize(make_model(nodes, ["output", "mean"]))
    assert made.parameters("Transpose", 0) == (STEP, 170)
    assert made.parameters("MatMul", 1) == (np.float32(4 / 127.5), 0)
    assert made.plan.groups["turned"].members == ("turned",)
    # The input goes to Neg and to the product, which takes a copy.
    assert made.plan.uses["output", 0].group == "pixel_values@S8"


def test_what_moves_data_shares_over_the_union_of_ranges(make_model: Make, quantize: Quantize) -> None:
    pads = np.array([0, 0, 1, 0, 0, 0, 0, 0])
    nodes = [
        node("Neg", "pixel_values", "negative"),
        node("Pad", "negative pads ten", "padded"),
        node("Transpose", "padded", "turned", perm=[0, 1, 3, 2]),
        node("Neg", "turned", "output"),
    ]
    made = quantize(make_model(nodes, ["output"], {"pads": pads, "ten": np.float32(10)}))
    # -4 to 2, and 10 at the border: -4 to 10.
    for name in ("padded", "turned", "output"):
        assert made.parameters(name, 0) == (np.float32(14 / 255), 73)  # 4 / (14 / 255) = 72.86
    assert made.plan.groups["negative"].members == ("negative", "padded", "turned")
    assert made.plan.stored["turned"].rule == "shares the parameters of negative"


def test_split_slice_maxpool_and_squeeze_share(make_model: Make, quantize: Quantize) -> None:
    constants = {"parts": np.array([1, 2]), "start": np.array([1]), "end": np.array([3]), "axis": np.array([2])}
    nodes = [
        node("Split", "pixel_values parts", "first second", axis=1),
        node("Slice", "first start end axis", "cut"),
        node("MaxPool", "second", "pooled", kernel_shape=[2, 2]),
        node("Neg", "cut", "one"),
        node("Neg", "pooled", "two"),
    ]
    made = quantize(make_model(nodes, ["one", "two"], constants))
    assert made.plan.groups["pixel_values"].members == ("pixel_values", "first", "second", "cut", "pooled")
    assert made.parameters("one", 0) == made.parameters("two", 0) == (STEP, 85)


def test_a_relu_that_is_not_alone_shares_its_inputs_zero_point(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        node("Neg", "pixel_values", "negative"),
        node("Relu", "negative", "relu"),
        node("Add", "relu negative", "output"),
    ]
    made = quantize(make_model(nodes, ["output"]))
    assert made.parameters("Add", 0) == made.parameters("Add", 1) == (STEP, 170)


@pytest.mark.parametrize("op", ["Conv", "Gemm"])
def test_a_live_weight_makes_both_inputs_signed(make_model: Make, quantize: Quantize, op: str) -> None:
    flat = {"shape": np.array([3, 32]), "turned": np.array([32, 3])}
    if op == "Conv":
        nodes = [node("Sigmoid", "pixel_values", "weight"), node("Conv", "pixel_values weight", "output")]
    else:
        nodes = [
            node("Reshape", "pixel_values shape", "rows"),
            node("Sigmoid", "rows", "weight"),
            node("Gemm", "rows weight", "output", transB=1),
        ]
    made = quantize(make_model(nodes, ["output"], flat if op == "Gemm" else {}))
    for position in (0, 1):
        assert made.parameters(op, position)[1].dtype == np.int8


def test_a_concat_alone_stays_in_float_and_among_others_does_not(make_model: Make, quantize: Quantize) -> None:
    alone = quantize(make_model([node("Concat", "pixel_values pixel_values", "output", axis=1)], ["output"]))
    assert alone.operators() == ["Concat"]
    assert not [operator for operator in alone.model.graph.node if operator.op_type == "QuantizeLinear"]

    nodes = [node("Neg", "pixel_values", "negative"), node("Concat", "pixel_values negative", "output", axis=1)]
    among = quantize(make_model(nodes, ["output"]))
    assert among.parameters("Concat", 0) == (STEP, 85)
    assert among.parameters("Concat", 1) == (STEP, 170)


def test_integers_and_shapes_stay_as_they_are(make_model: Make, quantize: Quantize) -> None:
    nodes = [
        node("Shape", "pixel_values", "sizes"),
        node("Add", "sizes one", "output"),
    ]
    model = make_model(nodes, ["output"], {"one": np.array(1)}, kinds={"output": onnx.TensorProto.INT64})
    assert quantize(model).operators() == ["Shape", "Add"]


@pytest.mark.parametrize(
    ("uses", "kind"),
    [
        (["U8", "U8"], "U8"),
        (["S8", "S8"], "S8"),
        (["S8", "U8"], "U8"),
        (["U8", "U16"], "U16"),
        (["S8", "S16"], "S16"),
        (["S16", "U8"], "U16"),
        (["FP32", "U8"], "FP32"),
        ([], "FP32"),
    ],
)
def test_the_type_of_a_tensor_with_several_uses(uses: list[Any], kind: str) -> None:
    assert stored(uses) == kind
