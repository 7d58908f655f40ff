"""A DepthToSpace that follows a Conv takes its channels in the other order, and the Conv gives them so.

    DepthToSpace_CRD(y)  =  DepthToSpace_DCR(y[o]),    o[k * C + c] = c * b^2 + k    for k < b^2, c < C

y = Conv(x, W, bias) has its output channels in the order o if the rows of W and of the bias have.

Evidence: mode may be DCR only (pulsar2-docs-en, appendix/op_support_list_ax650.md); PyTorch's PixelShuffle is CRD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, made_by, only_use, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``node`` arranges what ``conv`` gives."""

    node: ir.Node
    conv: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A DepthToSpace of mode CRD after a Conv."""
    if node.op_type != "DepthToSpace" or attribute(node, "mode", "DCR") != "CRD":
        return None
    conv = made_by(node.inputs[0], "Conv")
    return Match(node, conv) if conv is not None else None


def check(match: Match) -> str | None:
    """The Conv's weights are constants, and nothing else takes what it gives."""
    conv = match.conv
    if any(array(value) is None for value in conv.inputs[1:] if value is not None):
        return "the weights of Conv are computed"
    if attribute(conv, "group", 1) != 1:
        return "Conv has groups"
    return None if only_use(conv.outputs[0]) is not None else "something else takes what Conv gives"


def rewrite(edit: Edit, match: Match) -> None:
    """Exchange the rows of the weights."""
    import numpy as np
    import onnx_ir as ir

    conv, block = match.conv, attribute(match.node, "blocksize")
    rows = sure(sizes(conv.inputs[1]))[0]
    order = np.arange(rows).reshape(-1, block * block).T.reshape(-1)
    for index, value in enumerate(conv.inputs):
        if index and value is not None:
            conv.replace_input_with(index, edit.constant(sure(array(value))[order], f"{value.name}_dcr"))
            edit.drop(value)
    match.node.attributes.add(ir.AttrString("mode", "DCR"))
