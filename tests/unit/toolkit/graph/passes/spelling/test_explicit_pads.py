"""Padding in numbers."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import Outcome, graph, outcome, refusals

OPERATORS = {
    "conv": 'Conv <auto_pad = "{}", strides = [2, 3]> (x, w)',
    "dense": 'Conv <auto_pad = "{}", kernel_shape = [3, 4]> (x, w)',
    "narrow": 'Conv <auto_pad = "{}", strides = [4, 5]> (x, w)',
    "max": 'MaxPool <auto_pad = "{}", kernel_shape = [3, 4], strides = [2, 2]> (x)',
    "average": 'AveragePool <auto_pad = "{}", kernel_shape = [2, 5], strides = [1, 2]> (x)',
}


def _padded(operator: str, kind: str) -> Outcome:
    text = f"(float[1,2,9,10] x, float[2,2,3,4] w) => (float[a,b,c,d] y) {{ y = {OPERATORS[operator].format(kind)} }}"
    return outcome(graph(text), "explicit_pads")


def _attributes(change: Outcome) -> dict[str, object]:
    return {each.name: onnx.helper.get_attribute_value(each) for each in change.model.graph.node[0].attribute}


@pytest.mark.parametrize("kind", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_the_numbers_are_those_that_follow(operator: str, kind: str) -> None:
    change = _padded(operator, kind)
    attributes = _attributes(change)
    assert attributes["auto_pad"] == b"NOTSET"
    assert (attributes["pads"] == [0, 0, 0, 0]) == (kind == "VALID")
    assert change.error == 0


def test_the_larger_half_is_behind_or_in_front() -> None:
    assert _attributes(_padded("max", "SAME_UPPER"))["pads"] == [1, 1, 1, 1]
    assert _attributes(_padded("dense", "SAME_UPPER"))["pads"] == [1, 1, 1, 2]
    assert _attributes(_padded("dense", "SAME_LOWER"))["pads"] == [1, 2, 1, 1]


def test_windows_with_holes_a_pool_that_rounds_up_and_numbers_that_are_there_stay() -> None:
    text = "(float[1,2,9,10] x) => (float[a,b,c,d] y) {{ y = MaxPool <kernel_shape = [3, 4], {}> (x) }}"
    up = outcome(graph(text.format('auto_pad = "VALID", ceil_mode = 1, strides = [2, 2]')), "explicit_pads")
    assert _attributes(up)["auto_pad"] == b"VALID"
    holes = outcome(graph(text.format('auto_pad = "VALID", dilations = [2, 1]')), "explicit_pads")
    assert _attributes(holes)["auto_pad"] == b"VALID"
    numbers = outcome(graph(text.format("pads = [1, 1, 1, 1]")), "explicit_pads")
    assert "auto_pad" not in _attributes(numbers)


@pytest.mark.parametrize(
    ("size", "how", "reason"),
    [
        ("9,10", 'auto_pad = "VALID", ceil_mode = 1', "MaxPool rounds sizes up"),
        ("9,10", 'auto_pad = "VALID", dilations = [2, 1]', "the window of MaxPool has holes"),
        ("H,10", 'auto_pad = "SAME_UPPER"', "the sizes of MaxPool are not known"),
    ],
)
def test_the_guard_says_why_not(size: str, how: str, reason: str) -> None:
    text = f"(float[1,2,{size}] x) => (float[a,b,c,d] y) {{ y = MaxPool <kernel_shape = [3, 4], {how}> (x) }}"
    assert refusals(graph(text), "explicit_pads") == {reason: 1}


def test_a_window_of_unknown_size_keeps_its_kind_of_padding() -> None:
    text = """(float[1,2,9,10] x, int64[4] size) => (float[a,b,c,d] y) {
        s = Shape (x) w = Expand (x, s) k = Compress <axis = 3> (w, some) y = Conv <auto_pad = "VALID"> (x, k) }"""
    model = graph(text.replace("int64[4] size", "bool[10] some"), some=[True] * 3 + [False] * 7)
    assert refusals(model, "explicit_pads") == {"the sizes of Conv are not known": 1}
