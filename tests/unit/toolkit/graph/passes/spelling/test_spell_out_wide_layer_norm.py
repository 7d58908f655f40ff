"""LayerNormalizations that the NPU does not take are spelled out."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

from recipebuild.toolkit.graph.passes import defaults

SPELLED_OUT = {"ReduceMean": 2, "Sub": 1, "Mul": 2, "Add": 2, "Sqrt": 1, "Div": 1}
THREE_AXES = """(float[2,5,4,8] x, float[5,4,8] scale, float[5,4,8] bias) => (float[2,5,4,8] y) {
    y = LayerNormalization <axis = 1, epsilon = 0.01> (x, scale, bias)
}"""


def test_over_several_axes() -> None:
    change = outcome(graph(THREE_AXES), "spell_out_wide_layer_norm")
    assert change.before == {"LayerNormalization": 1}
    assert change.after == SPELLED_OUT
    assert change.error < 1e-6


def test_without_a_bias_and_an_axis_from_the_end() -> None:
    text = THREE_AXES.replace("float[5,4,8]", "float[4,8]").replace(", float[4,8] bias", "").replace(", bias", "")
    change = outcome(graph(text.replace("axis = 1", "axis = -2"), opset=17), "spell_out_wide_layer_norm")
    assert change.after == SPELLED_OUT | {"Add": 1}
    assert change.error < 1e-6


def test_with_a_scale_that_is_computed() -> None:
    text = "(float[8,8] x, float[8] bias) => (float[8,8] y) { scale = ReduceMax <keepdims = 0> (x, axes) "
    text += "y = LayerNormalization (x, scale, bias) }"
    change = outcome(graph(text.replace(") =>", ", int64[1] axes) =>"), axes=[0]), "spell_out_wide_layer_norm")
    assert change.after == SPELLED_OUT | {"ReduceMax": 1}
    assert change.error < 1e-6


@pytest.mark.parametrize("axis", [-1, 2])
def test_what_the_npu_takes_stays(axis: int) -> None:
    text = f"""(float[2,5,8] x, float[8] scale, float[8] bias) => (float[2,5,8] y) {{
        y = LayerNormalization <axis = {axis}> (x, scale, bias) }}"""
    assert outcome(graph(text), "spell_out_wide_layer_norm").after == {"LayerNormalization": 1}


def test_a_mean_that_is_taken_stays() -> None:
    text = THREE_AXES.replace("y = Layer", "y, mean = Layer").replace("=> (", "=> (float[2,1,1,1] twice, ")
    text = text.replace("\n}", "\n    twice = Abs (mean)\n}")
    reason = "something takes the mean or the deviation of LayerNormalization"
    assert refusals(graph(text), "spell_out_wide_layer_norm") == {reason: 1}


def test_what_is_fused_is_not_spelled_out_again() -> None:
    text = """(float[2,5,8] x, float[8] scale, float[8] bias, float two, float epsilon) => (float[2,5,8] y) {
        mean = ReduceMean <axes: ints = [-1]> (x) centred = Sub (x, mean) squared = Pow (centred, two)
        variance = ReduceMean <axes: ints = [-1]> (squared) shifted = Add (variance, epsilon)
        deviation = Sqrt (shifted) normal = Div (centred, deviation) scaled = Mul (normal, scale)
        y = Add (scaled, bias) }"""
    change = outcome(graph(text, opset=11, two=2, epsilon=1e-5), *defaults("AX650"))
    assert change.after == {"LayerNormalization": 1}


def test_other_types_than_float32_stay() -> None:
    model = graph(THREE_AXES.replace("float[", "float16["))
    assert refusals(model, "spell_out_wide_layer_norm") == {"LayerNormalization is not of float32": 1}
