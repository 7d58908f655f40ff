"""Fit for quantization: opset 13 or newer, names, stored constants; and models that cannot be."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.prepare import activations, measured_at, prepare

Make = Callable[..., onnx.ModelProto]


def test_an_older_opset_is_raised_without_a_change_of_meaning(
    make_model: Make, spec: ImageSpec, batches: list[Any]
) -> None:
    nodes = [
        helper.make_node("Unsqueeze", ["pixel_values"], ["five"], axes=[0]),
        helper.make_node("Softmax", ["five"], ["output"], axis=-1),
    ]
    model = make_model(nodes, ["output"], opset=11)
    prepared = prepare(model, spec)
    onnx.checker.check_model(prepared, full_check=True)
    assert prepared.opset_import[0].version == 13
    before, after = (
        ort.InferenceSession(version.SerializeToString()).run(None, {"pixel_values": batches[0]})[0]
        for version in (model, prepared)
    )
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_a_newer_opset_and_the_model_given_stay_as_they_are(make_model: Make, spec: ImageSpec) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["output"])], ["output"], opset=17)
    before = model.SerializeToString()
    assert prepare(model, spec).opset_import[0].version == 17
    assert model.SerializeToString() == before


def test_nodes_have_names_that_differ(make_model: Make, spec: ImageSpec) -> None:
    nodes = [
        helper.make_node("Relu", ["pixel_values"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Abs", ["b"], ["c"], name="mine"),
    ]
    names = [node.name for node in prepare(make_model(nodes, ["c"]), spec).graph.node]
    assert len(set(names)) == 3
    assert "" not in names
    assert names[2] == "mine"


def test_nodes_are_put_in_order(make_model: Make, spec: ImageSpec) -> None:
    names = ["pixel_values", "a", "b", "c", "output"]
    nodes = [helper.make_node("Neg", [x], [y], y) for x, y in itertools.pairwise(names)]
    model = make_model(nodes, ["output"])
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [3, 2, 1, 0], [1, 0, 2, 3]):
        del model.graph.node[:]
        model.graph.node.extend(nodes[i] for i in order)
        prepared = prepare(model, spec)
        assert [node.name for node in prepared.graph.node] == names[1:]
        assert list(activations(prepared)) == names


def test_constant_nodes_become_initializers(make_model: Make, spec: ImageSpec) -> None:
    value = onnx.numpy_helper.from_array(np.ones((3, 1, 1), np.float32))
    nodes = [
        helper.make_node("Constant", [], ["ones"], value=value),
        helper.make_node("Add", ["pixel_values", "ones"], ["output"]),
    ]
    prepared = prepare(make_model(nodes, ["output"]), spec)
    assert [tensor.name for tensor in prepared.graph.initializer] == ["ones"]
    assert list(activations(prepared)) == ["pixel_values", "output"]


def test_activations_are_the_float_tensors_with_their_sizes(make_model: Make, spec: ImageSpec) -> None:
    nodes = [
        helper.make_node("Conv", ["pixel_values", "weight"], ["conv"]),
        helper.make_node("ArgMax", ["conv"], ["output"], axis=1),
    ]
    model = make_model(
        nodes, ["output"], {"weight": np.ones((5, 3, 1, 1), np.float32)}, kinds={"output": TensorProto.INT64}
    )
    assert activations(prepare(model, spec)) == {"pixel_values": 96, "conv": 160}


def test_what_only_rearranges_is_measured_at_its_source(make_model: Make, spec: ImageSpec) -> None:
    nodes = [
        helper.make_node("Relu", ["pixel_values"], ["relu"]),
        helper.make_node("Transpose", ["relu"], ["turned"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["turned", "shape"], ["flat"]),
        helper.make_node("Reshape", ["weights", "shape"], ["flat_weights"]),
        helper.make_node("Add", ["flat", "flat_weights"], ["output"]),
    ]
    constants = {"shape": np.array([1, -1]), "weights": np.ones((1, 3, 4, 8), np.float32)}
    assert measured_at(prepare(make_model(nodes, ["output"], constants), spec)) == {
        "pixel_values": "pixel_values",
        "relu": "relu",
        "turned": "relu",
        "flat": "relu",
        "flat_weights": "flat_weights",  # there is no activation that it comes from
        "output": "output",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "image"}, "the model takes pixel_values (float32 1x3x4x8), not image (float32 1x3x4x8)"),
        ({"shape": (1, 3, 8, 8)}, "not pixel_values (float32 1x3x8x8)"),
        ({"shape": (2, 3, 4, 8)}, "not pixel_values (float32 2x3x4x8)"),
    ],
)
def test_another_input_than_the_recipes_is_named(
    make_model: Make, spec: ImageSpec, change: dict[str, Any], message: str
) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["output"])], ["output"])
    with pytest.raises(StepError) as caught:
        prepare(model, spec.model_copy(update=change))
    assert message in caught.value.message


def test_an_input_of_open_size_takes_the_recipes(make_model: Make, spec: ImageSpec) -> None:
    nodes = [helper.make_node("Relu", ["pixel_values"], ["output"])]
    prepared = prepare(make_model(nodes, ["output"], shape=("batch", 3, "height", "width")), spec)
    assert activations(prepared)["output"] is None


def test_half_precision_is_named(make_model: Make, spec: ImageSpec) -> None:
    nodes = [
        helper.make_node("Cast", ["pixel_values"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["half"], ["output"], to=TensorProto.FLOAT),
    ]
    with pytest.raises(StepError, match="the tensor half has 16-bit"):
        prepare(make_model(nodes, ["output"]), spec)


def test_a_second_input_is_named(make_model: Make, spec: ImageSpec) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["output"])], ["output"])
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))
    with pytest.raises(StepError, match="mask"):
        prepare(model, spec)
