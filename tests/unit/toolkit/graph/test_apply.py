"""Passes one after the other: what they did, what their guards refused, and what they must leave to each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from support.attention import attention
from support.graphs import graph

from recipebuild.toolkit.graph import apply
from recipebuild.toolkit.graph.apply import Refused, rewrite
from recipebuild.toolkit.graph.edit import Edit
from recipebuild.toolkit.graph.passes import PASSES
from recipebuild.toolkit.graph.promises import BrokenPromiseError
from recipebuild.toolkit.graph.rewrite import prepare

POWERS = """(float[2,3] x, float two, float three) => (int64[2,3] y) {
    a = Pow (x, two) b = Pow (a, three) c = Pow (b, three) d = Pow (two, c) e = Cast <to = 7> (d) y = Neg (e) }"""


def test_what_is_refused_is_counted_by_reason_the_most_frequent_first() -> None:
    done = rewrite(prepare(ir.from_proto(graph(POWERS, two=2, three=3))), ["neg_as_mul", "square_as_mul"])
    assert [(each.name, each.times) for each in done.applied] == [("square_as_mul", 1)]
    assert done.refused == (
        Refused("square_as_mul", "the exponent of Pow is not 2", 3),
        Refused("neg_as_mul", "Neg is not of floating-point numbers", 1),
    )


def test_what_an_earlier_round_refused_and_a_later_one_did_is_not_told() -> None:
    done = rewrite(prepare(ir.from_proto(attention(heads=2))), list(PASSES))
    names = {each.name for each in done.refused}
    assert "drop_key_bias" not in names and "stack_heads" not in names


SCALED = """(float[1,4,8] x, float[8,8] w, float[8] b, float[8] scale, int64[3] two, int64[3] one) => (float[1,4,8] y) {
    a = MatMul (x, w) c = Add (a, b) d = Reshape (c, two) e = Mul (d, scale) y = Reshape (e, one) }"""


def test_a_layer_scale_that_a_reshape_hid_is_folded_once_that_has_moved() -> None:
    values: dict[str, Any] = {
        "w": np.eye(8),
        "b": np.ones(8),
        "scale": np.arange(8.0),
        "two": [2, 2, 8],
        "one": [1, 4, 8],
    }
    model = prepare(ir.from_proto(graph(SCALED, **values)))
    done = rewrite(model, ["fold_layer_scale", "merge_moves", "sink_reshape"])
    assert [node.op_type for node in model.graph] == ["MatMul", "Add"]
    assert ("fold_layer_scale", 1) in [(each.name, each.times) for each in done.applied]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``planted(change)`` puts a pass that changes every Abs in front of the others, as ``planted``."""

    def plant(change: Callable[[Edit, ir.Node], None]) -> None:
        one = SimpleNamespace(
            pattern=lambda node: node if node.op_type == "Abs" else None,
            check=lambda match: None,
            rewrite=change,
        )
        monkeypatch.setattr(apply, "PASSES", {"planted": one, **PASSES})

    return plant


def _run() -> None:
    model = prepare(ir.from_proto(graph("(float[2] x) => (float[2] y) { a = Abs (x) y = Relu (a) }")))
    rewrite(model, ["planted"])


def test_a_pass_that_leaves_a_constant_node_is_named(planted: Callable[..., None]) -> None:
    def change(edit: Edit, node: ir.Node) -> None:
        constant = ir.node("Constant", [], {"value": ir.tensor([1.0, 2.0])})
        edit.graph.insert_before(node, constant)
        (value,) = constant.outputs
        value.name, value.shape, value.type = "held", node.outputs[0].shape, node.outputs[0].type
        edit.replace(node.outputs[0], value)

    planted(change)
    with pytest.raises(BrokenPromiseError, match="the pass planted leaves the Constant held"):
        _run()


@pytest.mark.parametrize("what", ["shape", "type"])
def test_a_pass_that_leaves_a_value_of_unknown_shape_or_type_is_named(planted: Callable[..., None], what: str) -> None:
    def change(edit: Edit, node: ir.Node) -> None:
        value = edit.add("Sigmoid", [node.inputs[0]], (2,), before=node)
        setattr(value, what, None)
        edit.replace(node.outputs[0], value)
        setattr(value, what, None)

    planted(change)
    with pytest.raises(BrokenPromiseError, match=f"the pass planted leaves a, of unknown {what}"):
        _run()


def test_a_pass_that_needs_a_newer_opset_than_there_is_is_left_out() -> None:
    old = graph("(float[2] x) => (float[2] y) { y = Neg (x) }", opset=13)
    done = rewrite(ir.from_proto(old), ["fuse_gelu", "neg_as_mul"])
    assert done.refused == (
        Refused("fuse_gelu", "the graph has opset 13, and what it needs is in opset 20", 1),
        Refused("neg_as_mul", "the graph has opset 13, and what it needs is in opset 14", 1),
    )


def test_what_was_unknown_before_is_no_fault_of_a_pass() -> None:
    model = prepare(
        ir.from_proto(graph("(float[N,3] x) => (float[N,3] y) { a = Identity (x) b = Neg (a) y = Relu (b) }"))
    )
    assert rewrite(model, list(PASSES)).refused


def test_what_was_unknown_before_may_get_another_name() -> None:
    model = graph("(float[3] x) => (int64[1,N] y) { y = NonZero (x) }")
    model.graph.output[0].name = model.graph.node[0].output[0] = "/head/out"
    done = rewrite(prepare(ir.from_proto(model)), ["safe_output_names"])
    assert [each.name for each in done.applied] == ["safe_output_names"]
