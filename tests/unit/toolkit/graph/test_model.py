"""What nothing takes goes, and what a subgraph takes stays."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from recipebuild.toolkit.graph.model import drop_unused


def test_constants_that_a_branch_takes_stay() -> None:
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    branches = {
        name: helper.make_graph([helper.make_node("Identity", [constant], ["y"])], name, [], [y])
        for name, constant in (("then_branch", "one"), ("else_branch", "two"))
    }
    graph = helper.make_graph(
        [helper.make_node("If", ["which"], ["z"], **branches)], "test",
        [helper.make_tensor_value_info("which", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(np.ones(1, np.float32), name) for name in ("one", "two", "three")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    drop_unused(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["one", "two"]
    onnx.checker.check_model(model, full_check=True)
