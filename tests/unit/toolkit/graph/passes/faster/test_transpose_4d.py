"""Turning an image before it is flattened."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import graph, outcome, refusals

FLATTEN = """(float[1,6,4,5] x, int64[3] flat) => (float[1,20,6] y) {
    r = Reshape (x, flat)
    y = Transpose <perm = [0,2,1]> (r)
}"""
UNFLATTEN = """(float[1,20,6] x, int64[4] image) => (float[1,6,4,5] y) {
    t = Transpose <perm = [0,2,1]> (x)
    y = Reshape (t, image)
}"""
KEYS = """(float[3,20,6] x, int64[4] image) => (float[1,3,6,20] y) {
    t = Transpose <perm = [0,2,1]> (x)
    y = Reshape (t, image)
}"""


@pytest.mark.parametrize(
    ("text", "constants", "perm", "order"),
    [
        (FLATTEN, {"flat": [1, 6, 20]}, [0, 2, 3, 1], ["Transpose", "Reshape"]),
        (UNFLATTEN, {"image": [1, 6, 4, 5]}, [0, 3, 1, 2], ["Reshape", "Transpose"]),
        (KEYS, {"image": [1, 3, 6, 20]}, [0, 1, 3, 2], ["Reshape", "Transpose"]),
    ],
)
def test_they_trade_places(text: str, constants: dict[str, Any], perm: list[int], order: list[str]) -> None:
    change = outcome(graph(text, **constants), "transpose_4d")
    assert [node.op_type for node in change.model.graph.node] == order
    turn = change.model.graph.node[order.index("Transpose")]
    assert list(turn.attribute[0].ints) == perm
    assert change.error == 0


def test_a_reshape_across_channels_stays() -> None:
    change = outcome(graph(UNFLATTEN.replace("[1,6,4,5]", "[1,3,8,5]"), image=[1, 3, 8, 5]), "transpose_4d")
    assert [node.op_type for node in change.model.graph.node] == ["Transpose", "Reshape"]


@pytest.mark.parametrize(
    ("text", "constants", "reason"),
    [
        (FLATTEN.replace("1,6,4,5", "6,20"), {"flat": [1, 6, 20]}, "Reshape does not flatten an image"),
        (FLATTEN.replace("1,6,4,5", "1,3,8,5"), {"flat": [1, 6, 20]}, "Reshape does not flatten an image"),
        (
            UNFLATTEN.replace("[1,6,4,5]", "[1,3,8,5]"),
            {"image": [1, 3, 8, 5]},
            "Reshape does not make an image or matrices",
        ),
        (
            FLATTEN.replace("1,6,4,5", "N,6,4,5"),
            {"flat": [1, 6, 20]},
            "the shapes at Reshape and Transpose are not known",
        ),
    ],
)
def test_the_guard_says_why_not(text: str, constants: dict[str, Any], reason: str) -> None:
    assert refusals(graph(text, **constants), "transpose_4d") == {reason: 1}


def test_another_turn_is_not_looked_at() -> None:
    text = FLATTEN.replace("[0,2,1]", "[1,0,2]").replace("[1,20,6] y", "[6,1,20] y")
    assert refusals(graph(text, flat=[1, 6, 20]), "transpose_4d") == {}
