"""Convolutions over joined channels, done part by part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.toolkit.graph.apart import take_apart

SIZES = {"a": 2, "b": 1, "c": 3}


def model(*more: onnx.NodeProto, axis: int = 1, group: int = 1, outputs: Sequence[str] = ("y",)) -> onnx.ModelProto:
    """Three images, joined, under a convolution of 3x3 with a bias, and whatever else reads them."""
    random = np.random.default_rng(0)
    sides = {name: [1, size, 8, 8] if axis == 1 else [1, 6, size, 8] for name, size in SIZES.items()}
    nodes = [
        *(helper.make_node("Relu", [name], [f"{name}+"]) for name in SIZES),
        helper.make_node("Concat", [f"{name}+" for name in SIZES], ["joined"], axis=axis),
        helper.make_node("Conv", ["joined", "w", "bias"], ["y"], pads=[1, 1, 1, 1], group=group),
        *more,
    ]
    weights = {"w": random.normal(size=(6, 6 // group, 3, 3)), "bias": random.normal(size=6)}
    graph = helper.make_graph(
        nodes,
        "joined",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in sides.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made)


def result(made: onnx.ModelProto) -> np.ndarray:
    onnx.checker.check_model(made)
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    feeds = {each.name: random.normal(size=each.shape).astype(np.float32) for each in session.get_inputs()}
    (y,) = session.run(["y"], feeds)
    return np.asarray(y)


def test_the_parts_add_up_to_what_the_whole_gives() -> None:
    whole, parts = model(), model()
    assert take_apart(parts, large=4 * 6 * 64) == 1
    assert [node.op_type for node in parts.graph.node[3:]] == ["Conv", "Conv", "Add", "Conv", "Add"]
    assert "w" not in {tensor.name for tensor in parts.graph.initializer}
    np.testing.assert_allclose(result(parts), result(whole), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "other",
    [
        model(helper.make_node("Neg", ["joined"], ["z"]), outputs=("y", "z")),
        model(outputs=("y", "joined")),
        model(group=2),
        model(axis=2),
    ],
    ids=["read elsewhere", "an output", "in groups", "rows, not channels"],
)
def test_all_else_stays_as_it_is(other: onnx.ModelProto) -> None:
    before = other.SerializeToString()
    assert take_apart(other, large=0) == 0
    assert other.SerializeToString() == before


def test_what_is_not_large_is_joined() -> None:
    assert take_apart(model()) == 0
