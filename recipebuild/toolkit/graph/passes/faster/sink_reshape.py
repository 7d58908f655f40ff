"""A Reshape that leaves the last axis alone moves behind operators that work on the last axis alone.

    f(Reshape(x)) = Reshape(f(x))    for f along the last axis: LayerNormalization, Softmax, a product with a constant
                                     matrix, with one matrix for all rows, a sum with a vector, any pointwise function
    Reshape(a) + Reshape(b) = Reshape(a + b)
    Reshape(a) + g(Reshape(c)) = Reshape(a + g(Reshape(c)))          the inner Reshape then going to the shape of a

Rows are computed alone, so it does not matter how they are arranged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, made_by, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import POINTWISE

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Sizes

_BINARY = ("Add", "Sub", "Mul", "Div")


@dataclass(frozen=True)
class Match:
    """``node`` works on rows, ``reshape`` is in front of it, ``chain`` leads from a Reshape to its other operand."""

    node: ir.Node
    reshape: ir.Node
    chain: tuple[ir.Node, ...] = ()


def pattern(node: ir.Node) -> Match | None:
    """``node`` behind a Reshape."""
    reshapes = [
        candidate for value in node.inputs if (candidate := made_by(value, "Reshape")) and _keeps_last(candidate)
    ]
    for reshape in reshapes:
        if node.op_type == "Add" and all(array(value) is None for value in node.inputs):
            twin = node.inputs[1] if node.inputs[0] is reshape.outputs[0] else node.inputs[0]
            second = made_by(twin, "Reshape")
            if second is not None and sizes(second.inputs[0]) == sizes(reshape.inputs[0]):
                return Match(node, reshape)
            chain = _rows_from_reshape(twin)
            if chain and sizes(twin) == sizes(reshape.outputs[0]):
                return Match(node, reshape, chain)
        elif node.inputs[0] is reshape.outputs[0] or node.op_type in ("Add", "Mul"):
            return Match(node, reshape)
    return None


def check(match: Match) -> str | None:
    """``node`` works on rows alone, whatever their arrangement."""
    node = match.node
    if match.chain or (node.op_type == "Add" and all(array(value) is None for value in node.inputs)):
        return None
    if _by_row(node, match.reshape.outputs[0]):
        return None
    return f"{node.op_type} does not treat each row alone"


def rewrite(edit: Edit, match: Match) -> None:
    """Do ``node`` first, then the Reshape."""
    node, source = match.node, sure(match.reshape.inputs[0])
    leading, old = sure(sizes(source)), sure(sizes(node.outputs[0]))
    shape = (*leading[:-1], old[-1])
    data = match.reshape.outputs[0]
    inputs = list(node.inputs)
    for index, value in enumerate(inputs):
        held = array(value)
        if value is data:
            inputs[index] = source
        elif node.op_type in _BINARY and held is not None and held.shape == sizes(data):
            inputs[index] = edit.constant(held.reshape(leading), f"{sure(value).name}_arranged")
        elif node.op_type == "Add" and not match.chain and (second := made_by(value, "Reshape")) is not None:
            inputs[index] = second.inputs[0]
    if match.chain:
        twin = _replay(edit, match.chain, leading[:-1])
        inputs = [source if value is data else twin for value in node.inputs]
    attributes = {name: attr.value for name, attr in node.attributes.items()}
    if node.op_type in ("LayerNormalization", "Softmax"):
        attributes["axis"] = -1
    done = edit.add(node.op_type, inputs, shape, before=node, attributes=attributes)
    edit.replace(node.outputs[0], edit.reshape(done, old, before=node))


def _keeps_last(reshape: ir.Node) -> bool:
    before, after = sizes(reshape.inputs[0]), sizes(reshape.outputs[0])
    return bool(before) and bool(after) and before[-1] == after[-1] and before != after  # type: ignore[index]


def _by_row(node: ir.Node, data: ir.Value) -> bool:
    """Whether ``node`` treats each row of ``data`` alone, and gives a row for each."""
    shape, out = sizes(data), sizes(node.outputs[0])
    if shape is None or out is None or shape[:-1] != out[:-1] or len(node.outputs) > 1:
        return False
    if node.op_type in POINTWISE:
        return True
    if node.op_type in ("LayerNormalization", "Softmax"):
        return attribute(node, "axis", -1) in (-1, len(shape) - 1)
    if node.op_type == "MatMul":
        second = sizes(node.inputs[1])
        return node.inputs[0] is data and second is not None and _one_matrix(node.inputs[1], second)
    if node.op_type in _BINARY:
        others = [value for value in node.inputs if value is not data]
        held = [array(value) for value in others]
        return len(others) == 1 and held[0] is not None and _fits_rows(held[0].shape, shape)
    return False


def _one_matrix(value: ir.Value | None, shape: Sizes) -> bool:
    """A matrix for all rows: of two axes, or with nothing before them but ones (then of a rank that fits images)."""
    return len(shape) == 2 or (len(shape) == 4 and shape[:-2] == (1, 1) and array(value) is None)


def _fits_rows(held: Sizes, shape: Sizes) -> bool:
    return held == shape or all(size == 1 for size in held[:-1])


def _rows_from_reshape(value: ir.Value | None) -> tuple[ir.Node, ...]:
    """The nodes from a Reshape that makes rows to ``value``, each used once and working on rows; else nothing.

    Reshapes that only arrange the rows are left out.
    """
    chain: list[ir.Node] = []
    while value is not None and only_use(value) is not None:
        reshape = made_by(value, "Reshape")
        if reshape is not None and not _keeps_last(reshape):
            return (reshape, *chain)
        if reshape is not None:
            value = reshape.inputs[0]
            continue
        node = value.producer()
        data = [operand for operand in node.inputs if array(operand) is None] if node else []
        if node is None or len(data) != 1 or data[0] is None or not _by_row(node, data[0]):
            return ()
        if any((held := array(operand)) is not None and held.ndim > 2 for operand in node.inputs):
            return ()
        chain.insert(0, node)
        value = data[0]
    return ()


def _replay(edit: Edit, chain: tuple[ir.Node, ...], leading: Sizes) -> ir.Value:
    """The end of ``chain`` again, on rows arranged as ``leading`` says."""
    reshape, *rest = chain
    source, shape = sure(reshape.inputs[0]), sure(sizes(reshape.outputs[0]))
    value = edit.reshape(source, (*leading, shape[-1]), before=reshape)
    for node in rest:
        out = sure(sizes(node.outputs[0]))
        inputs = [operand if array(operand) is not None else value for operand in node.inputs]
        attributes = {name: attr.value for name, attr in node.attributes.items()}
        if node.op_type in ("LayerNormalization", "Softmax"):
            attributes["axis"] = -1
        value = edit.add(node.op_type, inputs, (*leading, out[-1]), before=node, attributes=attributes)
    return value
