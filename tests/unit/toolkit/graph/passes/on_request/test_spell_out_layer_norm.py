"""LayerNormalization in elementary operators."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

from recipebuild.toolkit.graph.passes import defaults

TEXT = """(float[2,5,8] x, float[8] scale, float[8] bias) => (float[2,5,8] y) {
    y = LayerNormalization <axis = -1, epsilon = 0.01> (x, scale, bias)
}"""
SPELLED_OUT = {"ReduceMean": 2, "Sub": 1, "Mul": 2, "Add": 2, "Sqrt": 1, "Div": 1}


@pytest.mark.parametrize("opset", [17, 20])
def test_one_operator_becomes_nine(opset: int) -> None:
    change = outcome(graph(TEXT, opset=opset), "spell_out_layer_norm")
    assert change.before == {"LayerNormalization": 1}
    assert change.after == SPELLED_OUT
    assert change.error < 1e-6


def test_it_has_the_last_word_over_the_fusion_that_is_the_way_back() -> None:
    change = outcome(graph(TEXT), *defaults("AX650"), "spell_out_layer_norm")
    assert change.after == SPELLED_OUT
    again = outcome(change.model, *defaults("AX650"))
    assert again.after == {"LayerNormalization": 1}
    assert again.error < 1e-6


def test_a_mean_that_is_taken_stays() -> None:
    text = TEXT.replace("y = Layer", "y, mean = Layer").replace("=> (", "=> (float[2,5,1] size, ")
    change = outcome(graph(text.replace("\n}", "\n    size = Abs (mean)\n}")), "spell_out_layer_norm")
    assert "LayerNormalization" in change.after


_TAKEN = "something takes the mean or the deviation of LayerNormalization"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("float[", "float16[", "LayerNormalization is not of float32"),
        ("y = Layer", "y, mean = Layer", _TAKEN),
        ("y = Layer", "y, m, deviation = Layer", _TAKEN),
    ],
)
def test_the_guard_says_why_not(old: str, new: str, reason: str) -> None:
    output = new.split(" = ")[0].split(", ")[-1]
    text = TEXT.replace(old, new)
    text = text.replace("=> (", f"=> (float[2,5,1] {output}, ") if reason == _TAKEN else text
    assert refusals(graph(text), "spell_out_layer_norm") == {reason: 1}
