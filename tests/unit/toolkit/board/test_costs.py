from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.errors import StepError
from recipebuild.toolkit.board.costs import Costs, costs


def save(path: Path, shape: list[int | str]) -> Path:
    weights = {
        "w": np.ones((8, 1, 3, 3), np.float32),  # grouped: of each group 4 channels in, but one a group here
        "t": np.ones((8, 5, 2, 2), np.float32),
        "m": np.ones((6, 7), np.float32),
        "grid": np.array([5, -1, 6]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], group=4, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["a", "t"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["b", "grid"], ["c"]),
        helper.make_node("MatMul", ["c", "m"], ["d"]),
        helper.make_node("Softmax", ["d"], ["e"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("e", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_multiply_adds_by_kind(tmp_path: Path) -> None:
    model_costs = costs(save(tmp_path / "m.onnx", [1, 4, 6, 6]))
    conv = 8 * 6 * 6 * 1 * 9  # each output element takes one input channel of its group, 3x3
    transposed = 8 * 6 * 6 * 5 * 4  # each input element goes to 5 channels, 2x2
    rows = 5 * 12 * 12 // 6  # of the matrix product
    assert model_costs == Costs(conv + transposed, rows * 7 * 6, 8 * 9 + 8 * 5 * 4 + 42 + 3, 4 * 36, (rows * 7,))


def test_a_size_that_is_not_known_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="the size of the tensor"):
        costs(save(tmp_path / "m.onnx", [1, 4, "h", "w"]))
