"""Attention with one head needs neither its own keys nor an output projection: both go into a neighbour's weights.

    (x Wq + b) (s Wk)^T   =  (x (Wq Wk^T) + b Wk^T) s^T
    (P (s Wv)) Wo         =  P (s (Wv Wo))

Guard: one head as wide as the layer, so that no product of weights is larger than the two that made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, made_by, only_use, permutation, sizes
from recipebuild.toolkit.graph.passes.terms import Linear, linear, moved_from, moved_to

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array


@dataclass(frozen=True)
class Match:
    """``kept`` takes in the weights of ``gone``; ``kind`` says which of the two equations it is."""

    kind: str
    product: ir.Node
    kept: Linear
    gone: Linear


def pattern(node: ir.Node) -> Match | None:
    """A product of activations, next to a Softmax on either side."""
    if node.op_type != "MatMul" or array(node.inputs[1]) is not None:
        return None
    return _value_and_output(node) if made_by(node.inputs[0], "Softmax") else _query_and_key(node)


def check(match: Match) -> str | None:
    """The weights that go are square, and nothing rearranges heads in between."""
    rows, columns = match.gone.matrix.shape
    if rows != columns:
        return "the weights that would go are not square"
    shape = sizes(match.product.inputs[1])
    if shape is None or len(shape) < 3:
        return "MatMul is not of a batch of matrices"
    return None if set(shape[:-2]) == {1} else "MatMul is of several heads or images"


def rewrite(edit: Edit, match: Match) -> None:
    """Multiply the weights."""
    other = match.gone.matrix.T if match.kind == "key" else match.gone.matrix
    for node in match.kept.nodes:
        for index, value in enumerate(node.inputs):
            if value is not None and (held := array(value)) is not None:
                node.replace_input_with(index, edit.constant(_product(held, other), f"{value.name}_folded"))
                edit.drop(value)
    (matmul,) = match.gone.nodes
    source, out = match.gone.x, matmul.outputs[0]
    edit.replace(out, edit.reshape(source, sizes(out) or (), before=matmul))


def _query_and_key(node: ir.Node) -> Match | None:
    softmax = only_use(node.outputs[0])
    q, q_moves = moved_from(node.inputs[0])
    k, k_moves = moved_from(node.inputs[1])
    queries, keys = linear(q), linear(k)
    if softmax is None or softmax.op_type != "Softmax" or queries is None or keys is None or keys.bias is not None:
        return None
    whole = sizes(node.inputs[0])
    if whole is None or whole[-1] != keys.matrix.shape[1] or any(permutation(move) for move in q_moves):
        return None
    turns = [permutation(move) for move in k_moves if permutation(move)]
    if len(turns) != 1 or only_use(keys.nodes[-1].outputs[0]) is None or only_use(queries.nodes[-1].outputs[0]) is None:
        return None
    return Match("key", node, queries, keys)


def _value_and_output(node: ir.Node) -> Match | None:
    source, moves = moved_from(node.inputs[1])
    end, moves_out = moved_to(node.outputs[0])
    values = linear(source)
    matmul = only_use(end)
    output = linear(matmul.outputs[0]) if matmul is not None and matmul.op_type == "MatMul" else None
    if values is None or output is None or values.bias is not None or output.bias is not None:
        return None
    if any(permutation(move) for move in (*moves, *moves_out)) or output.x is not end:
        return None
    whole = sizes(node.outputs[0])
    if whole is None or whole[-1] != output.matrix.shape[0] or only_use(values.nodes[-1].outputs[0]) is None:
        return None
    return Match("value", node, values, output)


def _product(held: Array, other: Array) -> Array:
    product: Array = (held.astype("float64") @ other.astype("float64")).astype(held.dtype)
    return product
