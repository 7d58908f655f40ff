"""A vector that a linear layer's result is multiplied by, such as LayerScale's, goes into the layer's weights.

(x W + b) * s  =  x (W diag(s)) + b * s
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, only_use, sure
from recipebuild.toolkit.graph.passes.terms import Linear, linear

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array


@dataclass(frozen=True)
class Match:
    """``mul`` multiplies what ``layer`` gives by ``scale``, a vector."""

    mul: ir.Node
    layer: Linear
    scale: Array


def pattern(node: ir.Node) -> Match | None:
    """A linear layer times a constant."""
    if node.op_type != "Mul":
        return None
    for value, factor in (node.inputs, tuple(reversed(node.inputs))):
        layer, scale = linear(value), array(factor)
        if layer is not None and scale is not None and only_use(layer.nodes[-1].outputs[0]) is node:
            return Match(node, layer, scale)
    return None


def check(match: Match) -> str | None:
    """The constant is a vector, as long as the layer is wide."""
    width = match.layer.matrix.shape[1]
    if width == 1:
        return "the layer has one output only"
    if match.scale.size != width or match.scale.shape[-1:] != (width,):
        return "the constant of Mul is not a vector as long as the layer is wide"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Scale the columns of the weights, and the bias."""
    scale = match.scale.reshape(-1)
    for node in match.layer.nodes:
        for index, value in enumerate(node.inputs):
            held = array(value)
            if held is not None:
                old = sure(value)
                node.replace_input_with(index, edit.constant((held * scale).astype(held.dtype), f"{old.name}_scaled"))
                edit.drop(old)
    edit.replace(match.mul.outputs[0], match.layer.nodes[-1].outputs[0])
