"""What does nothing goes."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

LEADS = "Identity leads from an input or output of the graph to an output"
TRAINED = """(float[2] x, float half, bool train) => (float[2] y) {
    a = Relu (x) b = Dropout (a, half, train) y = Relu (b) }"""


@pytest.mark.parametrize(
    "nothing",
    [
        "Identity (a)",
        "Dropout (a)",
        "Add (a, zero)",
        "Mul (one, a)",
        "Div (a, one)",
        "Cast <to = 1> (a)",
        "Sub (a, zero)",
    ],
)
def test_it_goes(nothing: str) -> None:
    text = f"(float[2,3] x, float[3] zero, float one) => (float[2,3] y) {{ a = Relu (x) b = {nothing} y = Tanh (a) }}"
    change = outcome(graph(text.replace("Tanh (a)", "Tanh (b)"), zero=[0, 0, 0], one=1), "drop_no_ops")
    assert change.after == {"Relu": 1, "Tanh": 1}
    assert change.error == 0


@pytest.mark.parametrize("something", ["Sub (zero, a)", "Div (one, a)", "Mul (a, zero)"])
def test_what_does_something_stays(something: str) -> None:
    text = f"(float[2,3] x, float[3] zero, float one) => (float[2,3] y) {{ a = Exp (x) b = {something} y = Exp (b) }}"
    assert outcome(graph(text, zero=[0, 0, 0], one=1), "drop_no_ops").after.total() == 3


def test_a_resize_to_the_same_size_goes() -> None:
    text = """(float[1,2,4,4] x, int64[4] size) => (float[1,2,4,4] y) {
        a = Relu (x) b = Resize <mode = "linear"> (a, , , size) y = Tanh (b) }"""
    assert outcome(graph(text, size=[1, 2, 4, 4]), "drop_no_ops").after == {"Relu": 1, "Tanh": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(float[2] x) => (float[2] y) { y = Identity (x) }", LEADS),
        (
            "(float[2] x) => (float[2] a, float[2] y) { a = Relu (x) y = Identity (a) }",
            LEADS,
        ),
        (
            "(float[2] x) => (float[2] y, bool[2] m) { a = Relu (x) b, m = Dropout (a) y = Relu (b) }",
            "something takes the mask of Dropout",
        ),
        (
            "(float[2] x) => (float[2] y, bool[2] n) { a = Relu (x) b, m = Dropout (a) y = Relu (b) n = Not (m) }",
            "something takes the mask of Dropout",
        ),
        (TRAINED, "Dropout may be in training mode"),
        (
            """(float[1,1,4,4] x, float[8] roi, int64[4] size) => (float[1,1,4,4] y) {
                a = Relu (x)
                b = Resize <mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize"> (a, roi, , size)
                y = Relu (b) }""",
            "Resize cuts a region out",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, reason: str) -> None:
    model = graph(text, train=True, half=0.5, roi=[0, 0, 0, 0, 1, 1, 0.5, 0.5], size=[1, 1, 4, 4])
    assert refusals(model, "drop_no_ops") == {reason: 1}


def test_a_dropout_that_says_that_it_is_not_in_training_goes() -> None:
    assert outcome(graph(TRAINED, train=False, half=0.5), "drop_no_ops").after == {"Relu": 2}


@pytest.mark.parametrize(
    "something", ['Resize <mode = "linear"> (a, , , size)', "Expand (a, size)", "Cast <to = 10> (a)"]
)
def test_what_changes_the_shape_or_the_type_is_not_looked_at(something: str) -> None:
    text = f"(float[1,1,4,1] x, int64[4] size) => (float[a,b,c,d] y) {{ a = Relu (x) b = {something} y = Abs (b) }}"
    text = text.replace("(float[a", "(float16[a") if "Cast" in something else text
    assert refusals(graph(text, size=[1, 1, 4, 4]), "drop_no_ops") == {}
