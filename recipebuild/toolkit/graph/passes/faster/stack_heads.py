"""A projection that is then split into heads becomes one product per head, in one batch.

    Transpose(0,2,1,3)(Reshape[B,N,h,d](x W + b))  =  x[B,1,N,C] W'[h,C,d] + b'[h,1,d]

where W'[i] are the columns of W that make head i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, only_use, permutation, sizes, sure
from recipebuild.toolkit.graph.passes.terms import Linear, linear

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``layer`` is split by ``turn``."""

    layer: Linear
    turn: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Transpose of a Reshape of a linear layer."""
    reshape = made_by(node.inputs[0], "Reshape") if node.op_type == "Transpose" else None
    layer = linear(reshape.inputs[0]) if reshape is not None else None
    if reshape is None or layer is None or not all(only_use(end.outputs[0]) for end in (reshape, layer.nodes[-1])):
        return None
    return Match(layer, node)


def check(match: Match) -> str | None:
    """Tokens are split into several heads, which come first."""
    split = sizes(match.turn.inputs[0])
    if split is None or len(split) != 4 or split[2] * split[3] != match.layer.matrix.shape[1]:
        return "Reshape does not split the layer into heads"
    if split[2] == 1:
        return "there is one head"
    if permutation(match.turn) not in ((0, 2, 1, 3), (0, 2, 3, 1)):
        return "Transpose does not bring the heads first"
    return None if sizes(match.layer.x) is not None else "the shape of the layer's input is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """One matrix for each head."""
    turn, layer = match.turn, match.layer
    batch, tokens, heads, width = sure(sizes(turn.inputs[0]))
    channels = layer.matrix.shape[0]
    x = edit.reshape(layer.x, (batch, 1, tokens, channels), before=turn)
    stack = layer.matrix.reshape(channels, heads, width).transpose(1, 0, 2).copy()
    shape = (batch, heads, tokens, width)
    out = edit.add("MatMul", [x, edit.constant(stack, f"{layer.weight.name}_heads")], shape, before=turn)
    if layer.bias is not None:
        bias = edit.constant(layer.bias.reshape(1, heads, 1, width), f"{layer.weight.name}_heads_bias")
        out = edit.add("Add", [out, bias], shape, before=turn)
    if permutation(turn) == (0, 2, 3, 1):
        out = edit.transpose(out, (0, 1, 3, 2), before=turn)
    edit.replace(turn.outputs[0], out)
