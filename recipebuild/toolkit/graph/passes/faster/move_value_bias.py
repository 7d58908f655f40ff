"""The bias of attention's values moves into the bias of the output projection: each row of weights sums to 1.

    P (V + 1 b^T) W + c = P V W + (P 1) b^T W + c = P V W + (c + b W)        for P = softmax(...), P 1 = 1

Guard: the bias is the same for all values, and arrives at the projection as the same row for all queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, made_by, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import Linear, carried, constant_along, linear, moved_from, moved_to

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array


@dataclass(frozen=True)
class Match:
    """``values`` and ``projection`` are linear layers; ``row`` [C] is the values' bias as the projection meets it."""

    values: Linear
    projection: Linear
    row: Array | None


def pattern(node: ir.Node) -> Match | None:
    """Softmax times values, then a projection with a bias."""
    product = node if node.op_type == "MatMul" and made_by(node.inputs[0], "Softmax") else None
    if product is None:
        return None
    source, moves = moved_from(product.inputs[1])
    values = linear(source)
    end, moves_out = moved_to(product.outputs[0])
    matmul = only_use(end)
    add = only_use(matmul.outputs[0]) if matmul is not None and matmul.op_type == "MatMul" else None
    projection = linear(add.outputs[0]) if add is not None and add.op_type == "Add" else None
    if values is None or projection is None or values.bias is None or projection.bias is None:
        return None
    if projection.x is not end or only_use(values.nodes[-1].outputs[0]) is None:
        return None
    return Match(values, projection, _row(values, moves, product, moves_out))


def check(match: Match) -> str | None:
    """The values' bias is one row at the projection."""
    return None if match.row is not None else "the bias of the values does not reach the projection as one row"


def rewrite(edit: Edit, match: Match) -> None:
    """Leave the values' Add out, and change the projection's bias."""
    matmul, add = match.values.nodes
    projection = match.projection
    bias = sure(projection.bias)
    held = bias + (sure(match.row).astype("float64") @ projection.matrix).astype(bias.dtype)
    last = projection.nodes[-1]
    index = next(i for i, value in enumerate(last.inputs) if array(value) is not None)
    old = sure(last.inputs[index])
    last.replace_input_with(index, edit.constant(held, f"{old.name}_moved"))
    edit.drop(old)
    edit.replace(add.outputs[0], matmul.outputs[0])


def _row(values: Linear, moves: list[ir.Node], product: ir.Node, moves_out: list[ir.Node]) -> Array | None:
    """The bias carried from the values to the projection, if it is one row all the way."""
    import numpy as np

    shape, mixed = sizes(values.nodes[-1].outputs[0]), sizes(product.outputs[0])
    image = carried(np.broadcast_to(values.bias, shape), moves) if shape and values.bias is not None else None
    if image is None or mixed is None or not constant_along(image, -2):
        return None
    out = carried(np.broadcast_to(image[..., :1, :], mixed), moves_out)
    rows = out.reshape(-1, out.shape[-1]) if out is not None else None
    return rows[0].copy() if rows is not None and constant_along(rows, 0) else None
