"""Exchanging red and blue in a model's weights: the same numbers for the exchanged image, or else an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.channels import swap_channels
from recipebuild.toolkit.graph.compare import run_model

rng = np.random.default_rng(0)
WEIGHT = rng.standard_normal((4, 3, 3, 3), dtype=np.float32)
VECTOR = np.array([0.5, 1.5, 2.5], np.float32)


def model(nodes: Sequence[onnx.NodeProto], output: Sequence[int], **constants: Any) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(output))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], f"{kind.lower()}_{output}", **attributes)


CONV = {"kernel_shape": [3, 3]}
SWAPPABLE: dict[str, Callable[[], onnx.ModelProto]] = {
    "conv": lambda: model([node("Conv", "x w", "y", **CONV)], [1, 4, 6, 6], w=WEIGHT),
    "two convs with one weight": lambda: model(
        [node("Conv", "x w", "a", **CONV), node("Conv", "x w", "b", **CONV), node("Add", "a b", "y")],
        [1, 4, 6, 6],
        w=WEIGHT,
    ),
    "a weight that another layer uses": lambda: model(
        [
            node("Conv", "x w", "a", kernel_shape=[1, 1]),
            node("Conv", "a w", "y", kernel_shape=[1, 1]),
        ],
        [1, 3, 8, 8],
        w=rng.standard_normal((3, 3, 1, 1), dtype=np.float32),
    ),
    "normalization inside": lambda: model(
        [
            node("Sub", "x mean", "a"),
            node("Div", "a std", "b"),
            node("Mul", "two b", "c"),
            node("Pad", "c pads", "d"),
            node("Conv", "d w", "y", **CONV),
        ],
        [1, 4, 8, 8],
        mean=VECTOR.reshape(1, 3, 1, 1),
        std=(VECTOR + 1).reshape(3, 1, 1),
        two=np.float32(2),
        pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        w=WEIGHT,
    ),
    "matmul over channels last": lambda: model(
        [node("Transpose", "x", "a", perm=[0, 2, 3, 1]), node("MatMul", "a w", "y")],
        [1, 8, 8, 5],
        w=rng.standard_normal((3, 5), dtype=np.float32),
    ),
}


@pytest.mark.parametrize("name", SWAPPABLE)
def test_the_exchanged_image_gives_the_same(tmp_path: Path, name: str) -> None:
    original = SWAPPABLE[name]()
    before = original.SerializeToString()
    onnx.save(original, tmp_path / "a.onnx")
    onnx.save(swap_channels(original, "x"), tmp_path / "b.onnx")
    onnx.checker.check_model(str(tmp_path / "b.onnx"))
    image = rng.standard_normal((1, 3, 8, 8), dtype=np.float32)
    (expected,) = run_model(tmp_path / "a.onnx", [{"x": image}])[0]
    (got,) = run_model(tmp_path / "b.onnx", [{"x": image[:, ::-1].copy()}])[0]
    (other,) = run_model(tmp_path / "b.onnx", [{"x": image}])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(other - expected).max() > 0.01, "the channels make no difference, so this tells nothing"
    assert original.SerializeToString() == before


@pytest.mark.parametrize(
    ("nodes", "output", "constants", "says"),
    [
        (
            [node("Conv", "x w", "y", kernel_shape=[3, 3], group=3)],
            [1, 3, 6, 6],
            {"w": WEIGHT[:3, :1]},
            "Conv conv_y takes the image",
        ),
        ([node("Conv", "x v", "y", **CONV)], [1, 4, 6, 6], {"w": WEIGHT}, "a weight that is not a constant"),
        ([node("Reshape", "x s", "y")], [1, 192], {"s": np.array([1, 192])}, "Reshape reshape_y takes the image"),
        ([node("Relu", "x", "y")], [1, 3, 8, 8], {}, "y is an output itself"),
        (
            [node("Conv", "x w", "a", **CONV), node("ReduceMean", "x", "b"), node("Add", "a b", "y")],
            [1, 4, 6, 6],
            {"w": WEIGHT},
            "ReduceMean reducemean_b takes the image",
        ),
        (
            [node("Pad", "x p", "a"), node("Conv", "a w", "y", **CONV)],
            [1, 4, 6, 6],
            {"p": np.array([0, 1, 0, 0, 0, 0, 0, 0]), "w": WEIGHT},
            "Pad pad_a pads the channels",
        ),
    ],
)
def test_where_nothing_can_be_folded_it_is_an_error_with_a_way_out(
    nodes: list[onnx.NodeProto], output: list[int], constants: dict[str, Any], says: str
) -> None:
    with pytest.raises(StepError) as caught:
        swap_channels(model(nodes, output, **constants), "x")
    assert says in caught.value.message
    assert "target.runtime_input.format" in caught.value.remedy


def test_an_input_that_is_not_there() -> None:
    with pytest.raises(StepError, match="no input image"):
        swap_channels(SWAPPABLE["conv"](), "image")
