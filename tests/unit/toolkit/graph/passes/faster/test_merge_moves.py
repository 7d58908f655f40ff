"""Moves in a row become one, or none."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome

TURNS = (
    "(float[2,3,4] x) => (OUT y) { a = Transpose <perm = [1,2,0]> (x) b = Transpose <perm = PERM> (a) y = Relu (b) }"
)


@pytest.mark.parametrize(("perm", "out", "left"), [("[2,0,1]", "float[2,3,4]", 0), ("[1,0,2]", "float[4,3,2]", 1)])
def test_turns_are_multiplied(perm: str, out: str, left: int) -> None:
    change = outcome(graph(TURNS.replace("PERM", perm).replace("OUT", out)), "merge_moves")
    assert change.after["Transpose"] == left
    assert change.error == 0


def test_reshapes_go_straight_to_the_end() -> None:
    text = """(float[2,3,4] x, int64[1] a, int64[2] b)
        => (float[4,6] y) {
            c = Reshape (x, a) d = Reshape (c, b) y = Relu (d) }"""
    change = outcome(graph(text, a=[24], b=[4, 6]), "merge_moves")
    assert change.after == {"Reshape": 1, "Relu": 1}
    assert change.error == 0


def test_moving_axes_of_size_one_is_a_reshape() -> None:
    change = outcome(
        graph("(float[1,5,1,4] x) => (float[1,1,5,4] y) { a = Transpose <perm = [0,2,1,3]> (x) y = Relu (a) }"),
        "merge_moves",
    )
    assert change.after == {"Reshape": 1, "Relu": 1}
    assert change.error == 0


def test_an_output_keeps_its_name_when_nothing_is_left() -> None:
    change = outcome(
        graph(
            """(float[2,3] x)
                => (float[2,3] y) {
                    a = Relu (x) b = Transpose <perm=[1,0]> (a) y = Transpose <perm=[1,0]> (b) }"""
        ),
        "merge_moves",
    )
    assert change.after == {"Relu": 1}
    assert [value.name for value in change.model.graph.output] == ["y"]
