"""An ArgMax goes before the Resize that repeats pixels."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

NETWORK = """(float[2,5,3,4] x, float[6,5,1,1] w, float[0] roi, float[4] scales) => (int64[2,1,6,12] y) {
    logits = Conv (x, w)
    large = Resize <mode = "nearest", %s> (logits, roi, scales)
    y = ArgMax <axis = 1, keepdims = 1> (large)
}"""
SCALES = [1, 1, 2, 3]
FLOOR = 'coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"'


@pytest.mark.parametrize(
    "how",
    [
        FLOOR,
        'coordinate_transformation_mode = "half_pixel", nearest_mode = "round_prefer_floor"',
        'coordinate_transformation_mode = "pytorch_half_pixel", nearest_mode = "round_prefer_ceil"',
    ],
)
def test_ids_are_repeated_in_place_of_logits(how: str) -> None:
    change = outcome(graph(NETWORK % how, scales=SCALES), "argmax_first")
    assert change.before == {"Conv": 1, "Resize": 1, "ArgMax": 1}
    assert change.after == {"Conv": 1, "ArgMax": 1, "Reshape": 2, "Expand": 1}
    assert change.error == 0


@pytest.mark.parametrize("opset", [11, 13, 19])
def test_without_the_reduced_axis_and_at_any_opset(opset: int) -> None:
    text = (NETWORK % FLOOR).replace("keepdims = 1", "keepdims = 0").replace("[2,1,6,12]", "[2,6,12]")
    change = outcome(graph(text, opset=opset, scales=SCALES), "argmax_first")
    assert "Resize" not in change.after
    assert change.error == 0


def test_sizes_say_the_factors_too() -> None:
    text = (NETWORK % FLOOR).replace("float[4] scales", "int64[4] sizes").replace("roi, scales", "roi, , sizes")
    change = outcome(graph(text, sizes=[2, 6, 6, 12]), "argmax_first")
    assert "Resize" not in change.after
    assert change.error == 0


def test_of_equal_logits_the_same_one_wins() -> None:
    weights = [[[[1.0]]] * 5] * 6
    last = (NETWORK % FLOOR).replace("keepdims = 1", "keepdims = 1, select_last_index = 1")
    change = outcome(graph(last, scales=SCALES, w=weights), "argmax_first")
    assert "Resize" not in change.after
    assert change.error == 0


@pytest.mark.parametrize(
    ("how", "scales"),
    [
        (FLOOR.replace("floor", "ceil"), SCALES),
        (FLOOR.replace("asymmetric", "half_pixel"), SCALES),
        (FLOOR.replace("asymmetric", "align_corners"), SCALES),
        (FLOOR, [1, 1, 2.2, 3]),
        (FLOOR.replace("asymmetric", "half_pixel") + ', mode = "linear"', SCALES),
    ],
)
def test_a_resize_that_does_something_else_stays(how: str, scales: list[float]) -> None:
    text = NETWORK % how
    if "linear" in how:
        text = text.replace('mode = "nearest", ', "")
    assert outcome(graph(text, scales=scales), "argmax_first").after["Resize"] == 1


def test_logits_that_something_else_takes_stay() -> None:
    text = (NETWORK % FLOOR).replace("y) {", "y, float[2,6,6,12] large) {")
    assert outcome(graph(text, scales=SCALES), "argmax_first").after["Resize"] == 1


def test_an_argmax_along_a_resized_axis_stays() -> None:
    text = (NETWORK % FLOOR).replace("axis = 1", "axis = 2").replace("[2,1,6,12]", "[2,6,1,12]")
    assert outcome(graph(text, scales=SCALES), "argmax_first").after["Resize"] == 1


@pytest.mark.parametrize(
    ("old", "new", "scales", "reason"),
    [
        ("axis = 1, keepdims = 1> (large)", "axis = 2> (large)", SCALES, "ArgMax is not over the channels"),
        ('mode = "floor"', 'mode = "ceil"', SCALES, "Resize does more than repeat pixels"),
        ("", "", [2, 1, 2, 3], "Resize repeats images or channels"),
        ("(int64", "(float[2,6,6,12] large, int64", SCALES, "something else takes what Resize gives"),
    ],
)
def test_the_guard_says_why_not(old: str, new: str, scales: list[float], reason: str) -> None:
    text = (NETWORK % FLOOR).replace(old, new).replace("int64[2,1,6,12]", "int64[a,b,c,d]")
    assert refusals(graph(text, scales=scales), "argmax_first") == {reason: 1}
