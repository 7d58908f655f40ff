"""Where rows are needed in another arrangement anyway, products with them use that arrangement, too.

Reshape(s), Reshape(s W)   =>   t = Reshape(s), t W
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, only_use, sizes
from recipebuild.toolkit.graph.passes.terms import Linear, linear

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``reshape`` arranges what ``layer`` gives as ``other`` arranges what it takes."""

    reshape: ir.Node
    layer: Linear
    other: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Reshape of a linear layer without bias, whose input is reshaped elsewhere."""
    layer = linear(node.inputs[0]) if node.op_type == "Reshape" else None
    if layer is None or layer.bias is not None or only_use(layer.nodes[0].outputs[0]) is None:
        return None
    others = [use.node for use in layer.x.uses() if use.node.op_type == "Reshape"]
    return Match(node, layer, others[0]) if others else None


def check(match: Match) -> str | None:
    """Both arrange the rows in the same way."""
    one, other = sizes(match.reshape.outputs[0]), sizes(match.other.outputs[0])
    whole, rows = sizes(match.reshape.inputs[0]), sizes(match.layer.x)
    if one is None or other is None or whole is None or rows is None:
        return "the shapes at Reshape are not known"
    if one[:-1] != other[:-1] or one[-1] != whole[-1] or other[-1] != rows[-1]:
        return "the two Reshapes arrange the rows in different ways"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Take the rows as they are arranged already."""
    out = match.reshape.outputs[0]
    (matmul,) = match.layer.nodes
    x = edit.reshape(match.layer.x, sizes(match.other.outputs[0]) or (), before=matmul)
    edit.replace(match.other.outputs[0], x)
    edit.replace(out, edit.add("MatMul", [x, matmul.inputs[1]], sizes(out) or (), before=matmul))
