"""The bias of attention's keys goes: it adds the same to all scores of a query, and Softmax does not see that.

    softmax(q (K + 1 b^T)^T) = softmax(q K^T + (q b) 1^T) = softmax(q K^T)

Guard: along the axis of the Softmax the bias is constant, which is found by carrying it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, made_by, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import Linear, carried, constant_along, linear, moved_from

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``layer`` makes the keys, ``moves`` bring them to the product with the queries, ``softmax`` is behind that."""

    softmax: ir.Node
    layer: Linear
    moves: tuple[ir.Node, ...]


def pattern(node: ir.Node) -> Match | None:
    """A Softmax of a product (to which a mask or a position bias may be added) with keys that have a bias."""
    if node.op_type != "Softmax":
        return None
    scores = made_by(node.inputs[0], "Add", "MatMul")
    if scores is not None and scores.op_type == "Add":
        scores = next((product for value in scores.inputs if (product := made_by(value, "MatMul"))), None)
    if scores is None or sizes(node.inputs[0]) is None:
        return None
    keys, moves = moved_from(scores.inputs[1])
    layer = linear(keys)
    used_once = only_use(scores.outputs[0]) is not None and keys is not None and only_use(keys) is not None
    return Match(node, layer, tuple(moves)) if layer is not None and layer.bias is not None and used_once else None


def check(match: Match) -> str | None:
    """The Softmax is over the keys, and the bias is the same for all of them."""
    import numpy as np

    if attribute(match.softmax, "axis", -1) not in (-1, len(sure(sizes(match.softmax.inputs[0]))) - 1):
        return "Softmax is not over the keys"
    shape = sizes(match.layer.nodes[-1].outputs[0])
    image = carried(np.broadcast_to(sure(match.layer.bias), shape), match.moves) if shape else None
    same = image is not None and constant_along(image, -1)
    return None if same else "the bias is not the same for all keys"


def rewrite(edit: Edit, match: Match) -> None:
    """Leave the Add out."""
    matmul, add = match.layer.nodes
    edit.replace(add.outputs[0], matmul.outputs[0])
