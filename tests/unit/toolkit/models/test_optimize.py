"""The optimizer after an export: what torch's own makes, whether or not there is something to split."""

from __future__ import annotations

from typing import Any

import pytest

from recipebuild.toolkit.models.optimize import optimize


def program(axis: int) -> Any:
    """Of -x [1, 4, 4], the halves over an axis, and Relu of their sum; the axis is computed, as exporters leave it.

    The second half comes first: the rule takes the first Slice that there is for its second one.
    """
    import numpy as np
    import onnx_ir as ir
    import torch
    from onnx import TensorProto, helper, numpy_helper

    constants = {"zero": [0], "two": [2], "half": [2], "four": [4], "before": [axis - 1], "one": [1]}
    nodes = [
        helper.make_node("Add", ["before", "one"], ["axis"]),
        helper.make_node("Add", ["before", "one"], ["same_axis"]),
        helper.make_node("Neg", ["x"], ["all"]),
        helper.make_node("Slice", ["all", "half", "four", "same_axis"], ["right"]),
        helper.make_node("Slice", ["all", "zero", "two", "axis"], ["left"]),
        helper.make_node("Add", ["left", "right"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["y"]),
    ]
    sizes = [4, 4]
    sizes[axis - 1] = 2
    graph = helper.make_graph(
        nodes,
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, *sizes])],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return torch.onnx.ONNXProgram(ir.from_proto(model), None)


@pytest.mark.parametrize(
    ("axis", "operators"), [(1, ["Neg", "Slice", "Slice", "Add", "Relu"]), (2, ["Neg", "Split", "Add", "Relu"])]
)
def test_the_result_is_that_of_torch(axis: int, operators: list[str]) -> None:
    ours, theirs = program(axis), program(axis)
    optimize(ours)
    theirs.optimize()
    assert [node.op_type for node in ours.model.graph] == operators
    assert ours.model_proto == theirs.model_proto


def test_the_rule_is_there_again_afterwards() -> None:
    optimize(program(1))
    later = program(2)
    later.optimize()
    assert "Split" in {node.op_type for node in later.model.graph}


def test_a_rule_that_has_nothing_to_do_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxscript.rewriter.rules.common import slice_split_rule

    tried: list[object] = []
    rule = type(slice_split_rule)
    plain = rule.try_rewrite

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        tried.append(self)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(rule, "try_rewrite", counted)
    optimize(program(1))
    assert tried and slice_split_rule not in tried
    optimize(program(2))
    assert slice_split_rule in tried
