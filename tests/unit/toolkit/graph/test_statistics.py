"""Counting operators as onnxsim's own command does, and describing inputs and outputs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, parser

from recipebuild.toolkit.graph.statistics import (
    Tensor,
    inputs,
    operator_counts,
    operator_table,
    operators_and_constants,
    outputs,
    parameters,
)


@pytest.fixture
def branching() -> onnx.ModelProto:
    """A model with an If: two branches with nodes, initializers and Constants of their own."""
    model: onnx.ModelProto = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 17]>
        branching (bool flag, float[2] x) => (float[2] y) <float[2] w = {1, 2}> {
            z = Add(x, w)
            y = If (flag) <
                then_branch = yes () => (float[2] a) { c = Constant <value = float[2] {3, 4}> () a = Add(z, c) },
                else_branch = no () => (float[2] b) { b = Mul(z, z) }
            >
        }
        """
    )
    return model


def test_nodes_in_subgraphs_count(branching: onnx.ModelProto) -> None:
    assert operator_counts(branching) == {"Add": 2, "Constant": 1, "If": 1, "Mul": 1}


def test_the_table_is_the_one_that_onnxsim_prints(branching: onnx.ModelProto, small_onnx: Path) -> None:
    from onnxsim.model_info import ModelInfo

    small = onnx.load(small_onnx)
    rows = operator_table(operators_and_constants(branching), operators_and_constants(small))
    assert {row["op"]: row["before"] for row in rows if row["before"]} == dict(ModelInfo(branching).op_nums)
    assert {row["op"]: row["after"] for row in rows if row["after"]} == dict(ModelInfo(small).op_nums)
    assert [row["op"] for row in rows] == sorted(row["op"] for row in rows)


def test_parameters_are_the_elements_of_initializers(small_onnx: Path) -> None:
    assert parameters(onnx.load(small_onnx)) == 6 * 3 * 4 * 4 + 1 + 1 + 1 + 4


def test_inputs_and_outputs_are_described(small_onnx: Path) -> None:
    model = onnx.load(small_onnx)
    assert inputs(model) == [Tensor("pixel_values", "float32", (1, 3, 16, 32))]
    assert outputs(model) == [Tensor("logits", "float32", (1, 6, 4, 8))]
    assert str(outputs(model)[0]) == "logits (float32 1x6x4x8)"


def test_initializers_that_are_listed_as_inputs_are_not_inputs(small_onnx: Path) -> None:
    model = onnx.load(small_onnx)
    model.graph.input.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, [6, 3, 4, 4]))
    assert [tensor.name for tensor in inputs(model)] == ["pixel_values"]


@pytest.mark.parametrize(
    ("shape", "described", "sizes"),
    [
        ([1, 2], (1, 2), (1, 2)),
        (["batch", 2], ("batch", 2), None),
        ([None, 2], ("?", 2), None),
        ([0, 2], (0, 2), None),
        ([], (), ()),
        (None, None, None),
    ],
)
def test_what_is_not_known_of_a_shape_is_said(
    small_onnx: Path, shape: list[int | str | None] | None, described: object, sizes: object
) -> None:
    model = onnx.load(small_onnx)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT16, shape))
    (tensor,) = outputs(model)
    assert (tensor.dtype, tensor.shape, tensor.sizes) == ("float16", described, sizes)
