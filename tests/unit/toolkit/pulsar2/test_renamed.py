"""Layers of a model found again in the graph that the tool made of it."""

from __future__ import annotations

import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2.renamed import renamed

MODEL = """(float[1,8] x, float[8,8] w, float[1,8] b, float[8,8] v) => (float[1,8] y) {
    m = MatMul (x, w)
    a = Add (m, b)
    g = Gelu (a)
    r = Reshape (g, shape)
    n = MatMul (r, v)
    s = Softmax (n)
    y = Mul (s, b)
}"""
NAMES = ("proj", "bias", "gelu", "turn", "value", "softmax", "scale")

# A fused product, a Gelu taken apart, a Softmax under another name, and nothing else at the seams.
OPTIMIZED = """(float[1,8] x, float[8,8] w, float[1,8] b, float[8,8] v) => (float[1,8] y) {
    a = FullyConnected (x, w, b)
    half = Div (a, b)
    error = Erf (half)
    g = Mul (a, error)
    n = MatMul (g, v)
    s = Softmax (n)
    y = Mul (s, b)
}"""
TOOLS = ("op_1:onnx.FullyConnected_0", "op_2:onnx.Div", "op_3:onnx.Erf", "op_4:onnx.Mul", "value", "op_6", "scale")


def named(text: str, names: tuple[str, ...]):
    model = graph(text.replace("shape)", "turned)").replace(") =>", ", int64[2] turned) =>"), turned=[1, 8])
    for node, name in zip(model.graph.node, names, strict=True):
        node.name = name
    return model


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["proj"], ["op_1:onnx.FullyConnected_0"]),
        (["proj", "bias"], ["op_1:onnx.FullyConnected_0"]),
        (["gelu"], ["op_2:onnx.Div", "op_3:onnx.Erf", "op_4:onnx.Mul"]),
        (["softmax", "value"], ["op_6", "value"]),
        (["value", "scale"], ["value", "scale"]),
        (["op_3:onnx.Erf"], ["op_3:onnx.Erf"]),
        (["turn"], ["turn"]),  # it moves data: nothing is asked of it
    ],
)
def test_a_layer_is_what_lies_between_the_same_tensors(asked: list[str], expected: list[str]) -> None:
    configs, changes = renamed(
        [{"layer_names": asked, "data_type": "U16"}, {"op_type": "Add", "data_type": "FP32"}],
        named(MODEL, NAMES), named(OPTIMIZED, TOOLS),
    )  # fmt: skip
    assert configs == [{"layer_names": expected, "data_type": "U16"}, {"op_type": "Add", "data_type": "FP32"}]
    assert set(changes) == {name for name in asked if name not in (*TOOLS, "turn")}


def test_one_name_stays_one_name_where_nothing_changed() -> None:
    model = named(MODEL, NAMES)
    layers = [{"layer_name": "gelu", "data_type": "U16"}]
    assert renamed(layers, model, model) == (layers, {})


def test_a_name_that_is_nowhere_is_an_error_with_what_is_near() -> None:
    with pytest.raises(StepError, match="named soft_max") as caught:
        renamed([{"layer_name": "soft_max"}], named(MODEL, NAMES), named(OPTIMIZED, TOOLS))
    assert "did you mean softmax" in caught.value.remedy
