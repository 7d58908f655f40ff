"""Project, upsample, concatenate, fuse: less work at the largest resolution."""

from __future__ import annotations

import pytest
from support.graphs import graph, outcome, refusals

from recipebuild.toolkit.graph.cost import multiply_adds

DECODER = """(float[1,6,8,8] x, float[5,6,3,3] down, float[16,6,1,1] w1, float[16] b1, float[16,5,1,1] w2, float[16] b2,
             int64[4] size, float[16,32,1,1] fuse, float[16] c) => (float[1,16,8,8] y) {
    s = Conv <strides = [2,2], pads = [1,1,1,1]> (x, down)
    p1 = Conv (x, w1, b1)
    p2 = Conv (s, w2, b2)
    u2 = Resize <mode = "MODE", coordinate_transformation_mode = "half_pixel"> (p2, , , size)
    all = Concat <axis = 1> (u2, p1)
    f = Conv (all, fuse, c)
    y = Relu (f)
}"""


@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_the_fusing_conv_is_folded_into_the_projections(mode: str) -> None:
    text = DECODER.replace("MODE", mode)
    change = outcome(graph(text, size=[1, 16, 8, 8]), "fold_decoder")
    assert change.before == {"Conv": 4, "Resize": 1, "Concat": 1, "Relu": 1}
    assert change.after == {"Conv": 3, "Resize": 1, "Add": 1, "Relu": 1}
    assert change.error < 1e-5
    assert multiply_adds(change.model) < multiply_adds(graph(text, size=[1, 16, 8, 8])) / 2


def test_the_sum_ends_with_the_largest_maps_conv() -> None:
    change = outcome(graph(DECODER.replace("MODE", "linear"), size=[1, 16, 8, 8]), "fold_decoder")
    makes = {node.output[0]: node for node in change.model.graph.node}
    add = next(node for node in change.model.graph.node if node.op_type == "Add")
    assert [makes[name].op_type for name in add.input] == ["Conv", "Resize"]


@pytest.mark.parametrize("change", [("linear", "cubic"), ("all = Concat", "t = Relu (u2) all = Concat")])
def test_what_does_not_commute_stays(change: tuple[str, str]) -> None:
    text = (
        DECODER.replace("MODE", "linear")
        .replace(*change)
        .replace("(u2, p1)" if "Relu" in change[1] else "", "(t, p1)" if "Relu" in change[1] else "")
    )
    assert outcome(graph(text, size=[1, 16, 8, 8]), "fold_decoder").after["Concat"] == 1


def test_what_would_be_no_less_work_stays() -> None:
    text = DECODER.replace("MODE", "linear").replace("[16,6,1,1] w1, float[16] b1", "[1,6,1,1] w1, float[1] b1")
    text = text.replace("[16,5,1,1] w2, float[16] b2", "[1,5,1,1] w2, float[1] b2").replace("[16,32,1,1]", "[16,2,1,1]")
    model = graph(text, size=[1, 1, 8, 8])
    assert refusals(model, "fold_decoder") == {"a Conv for each branch would be no less work": 1}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("f = Conv (", "f = Conv <pads = [1,1,1,1]> ("),
        ("f = Conv (", "f = Conv <strides = [2,2]> ("),
        ("p1 = Conv (", "p1 = Conv <group = 2> ("),
        ('mode = "half_pixel"', 'mode = "half_pixel", exclude_outside = 1'),
        ("y = Relu (f)", "y = Relu (f) z = Relu (all)"),
        ("y = Relu (f)", "y = Relu (f) z = Relu (u2)"),
        ("y = Relu (f)", "y = Relu (f) z = Relu (p2)"),
    ],
)
def test_another_kind_of_decoder_is_not_looked_at(old: str, new: str) -> None:
    text = DECODER.replace("MODE", "linear").replace(old, new).replace("float[1,16,8,8] y", "float[a,b,c,d] y")
    text = text.replace("[16,6,1,1] w1", "[16,3,1,1] w1") if "group" in new else text
    text = text.replace("d] y", "d] y, float[e,f,g,h] z") if "z =" in new else text
    assert refusals(graph(text, size=[1, 16, 8, 8]), "fold_decoder") == {}
