"""A DepthToSpace after a Conv takes its channels in the NPU's order."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import graph, outcome, refusals

TEXT = """(float[1,3,4,5] x, float[12,3,3,3] w, float[12] b) => (float[1,3,6,4] y) {
    h = Conv <strides = [1, 2]> (x, w, b)
    y = DepthToSpace <blocksize = 2, mode = "CRD"> (h)
}"""
TEXT = TEXT.replace("[1,3,6,4]", "[1,3,4,4]")


def _mode(model: onnx.ModelProto) -> bytes:
    node = next(node for node in model.graph.node if node.op_type == "DepthToSpace")
    return next(a.s for a in node.attribute if a.name == "mode")


@pytest.mark.parametrize("bias", [True, False])
def test_the_conv_gives_its_channels_in_the_other_order(bias: bool) -> None:
    text = TEXT if bias else TEXT.replace(", float[12] b", "").replace(", b)", ")")
    change = outcome(graph(text), "pixel_shuffle_dcr")
    assert change.before == change.after == {"Conv": 1, "DepthToSpace": 1}
    assert _mode(change.model) == b"DCR"
    assert change.error < 1e-6
    assert len(change.model.graph.initializer) == 1 + bias


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("float[1,3,4,4] y)", "float[1,3,4,4] y, float[1,12,2,2] h)"),
        ("<strides = [1, 2]>", "<strides = [1, 2], group = 3>"),
        ("y = Depth", "g = Tanh (h) y = Depth"),
    ],
)
def test_otherwise_it_stays(old: str, new: str) -> None:
    text = TEXT.replace(old, new)
    if "group" in new:
        text = text.replace("[12,3,3,3]", "[12,1,3,3]")
    if "Tanh" in new:
        text = text.replace("(h)\n}", "(g)\n}")
    change = outcome(graph(text), "pixel_shuffle_dcr")
    assert _mode(change.model) == b"CRD"
    assert change.error < 1e-6


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("h = Conv <strides = [1, 2]> (x, w, b)", "c = Tanh (x) h = Conv (x, c)", "the weights of Conv are computed"),
        ("<strides = [1, 2]>", "<strides = [1, 2], group = 3>", "Conv has groups"),
        ("y) {", "y, float[e,f,g,h] h) {", "something else takes what Conv gives"),
    ],
)
def test_the_guard_says_why_not(old: str, new: str, reason: str) -> None:
    text = TEXT.replace(old, new).replace("float[1,3,4,4] y", "float[a,b,c,d] y")
    text = text.replace("float[1,3,4,5] x", "float[4,3,4,5] x") if "Tanh" in new else text
    text = text.replace("[12,3,3,3]", "[12,1,3,3]") if "group" in new else text
    assert refusals(graph(text), "pixel_shuffle_dcr") == {reason: 1}
