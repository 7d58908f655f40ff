"""A linear layer beside a Transpose between channels-last and channels-first becomes a 1x1 Conv on its other side.

    Transpose(0,3,1,2)(x W + b)         =  Conv1x1(Transpose(0,3,1,2)(x))            for x [N,H,W,C]
    f(Transpose(0,2,3,1)(z)) W + b      =  Transpose(0,2,3,1)(Conv1x1(f(z)))         for pointwise f, z [N,C,H,W]

Guard: the Transpose moves to where there are fewer channels, or next to another Transpose, with which it cancels. In
front of a Resize it moves in any case: the map is small there, and a decoder's projections can be folded as Convs only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, only_use, permutation, sizes, sure
from recipebuild.toolkit.graph.passes.terms import POINTWISE, Linear, conv1x1, linear

if TYPE_CHECKING:
    import onnx_ir as ir

_FIRST, _LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_LARGER = "Transpose would move to where there are more channels"


@dataclass(frozen=True)
class Match:
    """``turn`` is the Transpose, ``between`` what leads from it to ``layer``; ``None`` if it comes after."""

    turn: ir.Node
    layer: Linear
    between: tuple[ir.Node, ...] | None


def pattern(node: ir.Node) -> Match | None:
    """``node`` is the Transpose after a linear layer, or the end of a linear layer after a Transpose."""
    if node.op_type == "Transpose":
        layer = linear(node.inputs[0])
        after = layer is not None and only_use(layer.nodes[-1].outputs[0]) is not None
        return Match(node, layer, None) if layer is not None and after else None
    layer = linear(node.outputs[0]) if node.op_type in ("Add", "MatMul") else None
    if layer is None or _bias_follows(node):
        return None
    between: list[ir.Node] = []
    value: ir.Value | None = layer.x
    while value is not None and only_use(value) is not None and (step := made_by(value, *POINTWISE)) is not None:
        between.insert(0, step)
        value = step.inputs[0]
    turn = made_by(value, "Transpose")
    if turn is None or only_use(turn.outputs[0]) is None:
        return None
    return Match(turn, layer, tuple(between))


def check(match: Match) -> str | None:
    """The Transpose is one of images, and not larger on the other side."""
    inner, outer = match.layer.matrix.shape
    if match.between is None:
        near = permutation(made_by(match.layer.x, "Transpose")) == _LAST or _is_before_resize(match.turn)
        if permutation(match.turn) != _FIRST:
            return "Transpose does not bring channels first"
        return None if inner <= outer or near else _LARGER
    after = only_use(match.layer.nodes[-1].outputs[0])
    near = after is not None and permutation(after) == _FIRST
    if permutation(match.turn) != _LAST:
        return "Transpose does not bring channels last"
    return None if outer <= inner or near else _LARGER


def rewrite(edit: Edit, match: Match) -> None:
    """Put the Conv on the other side of the Transpose."""
    turn, layer = match.turn, match.layer
    if match.between is None:
        turned = edit.transpose(layer.x, _FIRST, before=turn)
        edit.replace(turn.outputs[0], _conv(edit, turned, layer, turn))
        return
    image = sure(turn.inputs[0])
    for node in match.between:
        attributes = {name: attr.value for name, attr in node.attributes.items()}
        image = edit.add(node.op_type, [image], sizes(image) or (), before=node, attributes=attributes)
    last = layer.nodes[-1]
    edit.replace(last.outputs[0], edit.transpose(_conv(edit, image, layer, last), _LAST, before=last))


def _conv(edit: Edit, image: ir.Value, layer: Linear, before: ir.Node) -> ir.Value:
    """The layer on an image, channels first."""
    kernel = layer.matrix.T[:, :, None, None].copy()
    names = (f"{layer.weight.name}_conv", f"{layer.weight.name}_conv_bias")
    return conv1x1(edit, image, kernel, layer.bias, names=names, before=before, origin=layer.nodes[0])


def _is_before_resize(turn: ir.Node) -> bool:
    follower = only_use(turn.outputs[0])
    return follower is not None and follower.op_type == "Resize"


def _bias_follows(node: ir.Node) -> bool:
    """Whether ``node`` is only the MatMul of a linear layer with a bias."""
    follower = only_use(node.outputs[0])
    return node.op_type == "MatMul" and follower is not None and linear(follower.outputs[0]) is not None
