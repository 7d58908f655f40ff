"""Nine operators become a LayerNormalization."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

SPELLED_OUT = """(float[2,5,8] x, float[8] scale, float[8] bias, float two, float epsilon) => (float[2,5,8] y) {
    mean = ReduceMean <axes: ints = [-1]> (x)
    centred = Sub (x, mean)
    squared = Pow (centred, two)
    variance = ReduceMean <axes: ints = [-1]> (squared)
    shifted = Add (variance, epsilon)
    deviation = Sqrt (shifted)
    normal = Div (centred, deviation)
    scaled = Mul (normal, scale)
    y = Add (scaled, bias)
}"""


def test_nine_operators_become_one() -> None:
    change = outcome(graph(SPELLED_OUT, opset=11, two=2, epsilon=1e-5), "fuse_layer_norm")
    assert change.before == {"ReduceMean": 2, "Sub": 1, "Pow": 1, "Add": 2, "Sqrt": 1, "Div": 1, "Mul": 1}
    assert change.after == {"LayerNormalization": 1}
    assert change.error < 1e-6


@pytest.mark.parametrize("change", [("[-1]", "[1]"), ("two)", "two )"), ("Div (centred", "Div (x")])
def test_anything_else_stays(change: tuple[str, str]) -> None:
    exponent = 3 if change[0] == "two)" else 2
    fusion = outcome(graph(SPELLED_OUT.replace(*change), opset=11, two=exponent, epsilon=1e-5), "fuse_layer_norm")
    assert "LayerNormalization" not in fusion.after


def test_a_scale_of_ones_and_a_bias_of_zeros_may_be_gone_already() -> None:
    text = SPELLED_OUT[: SPELLED_OUT.index("    normal =")].replace("float[8] scale, float[8] bias, ", "")
    text += "    normal = Div (centred, deviation)\n    y = Add (normal, normal)\n}"
    change = outcome(graph(text, opset=11, two=2, epsilon=1e-5), "fuse_layer_norm")
    assert change.after == {"LayerNormalization": 1, "Add": 1}
    assert change.error < 1e-6


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[-1]> (squared)", "[1]> (squared)"),
        ("[-1]> (x)", "[-1], keepdims: int = 0> (x)"),
        ("Pow (centred, two)", "Mul (centred, x)"),
        ("Sub (x, mean)", "Sub (mean, x)"),
    ],
)
def test_another_function_is_not_looked_at(old: str, new: str) -> None:
    text = SPELLED_OUT.replace(old, new).replace("float[2,5,8]", "float[8,8,8]")
    assert refusals(graph(text, opset=11, two=2, epsilon=1e-5), "fuse_layer_norm") == {}
