"""Equal operators are computed once."""

from __future__ import annotations

from support.graphs import graph, outcome, refusals

TWINS = """(float[2,6] x, int64[2] a, int64[2] b) => (float[3,4] y) {
    r = Reshape (x, a)
    s = Reshape (x, b)
    y = Add (r, s)
}"""


def test_twins_become_one() -> None:
    change = outcome(graph(TWINS, a=[3, 4], b=[3, 4]), "share_equal")
    assert change.before == {"Reshape": 2, "Add": 1}
    assert change.after == {"Reshape": 1, "Add": 1}
    assert change.error == 0


def test_the_like_but_unequal_stay() -> None:
    text = """(float[2,2] x)
        => (float[2,2] y) {
            a = Transpose <perm = [0,1]> (x) b = Transpose <perm = [1,0]> (x) y = Sub (a, b) }"""
    assert outcome(graph(text), "share_equal").after["Transpose"] == 2


def test_an_output_keeps_its_name() -> None:
    text = TWINS.replace("(float[3,4] y)", "(float[3,4] y, float[3,4] s)")
    assert refusals(graph(text, a=[3, 4], b=[3, 4]), "share_equal") == {"Reshape gives an output of the graph": 1}


def test_reshapes_to_different_shapes_are_not_looked_at() -> None:
    text = TWINS.replace("y = Add (r, s)", "t = Transpose (s) y = Add (r, t)")
    assert refusals(graph(text, a=[3, 4], b=[4, 3]), "share_equal") == {}
