"""Arithmetic on vectors, and on single numbers, is done on rows [1, N].

    a[N] + b[N]  =  reshape(reshape(a, [1, N]) + reshape(b, [1, N]), [N])

and so for products and differences. Constants are stored as rows; what has just come from a row is taken as that.

Evidence: Pulsar2 cannot tile Add, Mul and Sub of rank 1, and takes [1, N] (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, is_float, made_by, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The sum, product or difference."""

    node: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A sum, product or difference of one axis at most."""
    if node.op_type not in ("Add", "Mul", "Sub") or node.domain != "":
        return None
    shape = sizes(node.outputs[0])
    return Match(node) if shape is not None and len(shape) < 2 else None


def check(match: Match) -> str | None:
    """It is of floating-point numbers: whole numbers are shapes."""
    if not is_float(match.node.outputs[0]):
        return f"{match.node.op_type} is not of floating-point numbers"
    if any(sizes(value) is None for value in match.node.inputs):
        return f"the shapes of {match.node.op_type} are not known"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Do it on rows."""
    node, out = match.node, match.node.outputs[0]
    shape = sure(sizes(out))
    rows = [_row(edit, sure(value), node) for value in node.inputs]
    result = edit.add(node.op_type, rows, (1, *(shape or (1,))), before=node)
    edit.replace(out, edit.reshape(result, shape, before=node))


def _row(edit: Edit, value: ir.Value, before: ir.Node) -> ir.Value:
    row = (1, *(sure(sizes(value)) or (1,)))
    if (held := array(value)) is not None:
        return edit.constant(held.reshape(row), f"{value.name}_row")
    source = made_by(value, "Reshape")
    if source is not None and sizes(source.inputs[0]) == row:
        return sure(source.inputs[0])
    return edit.reshape(value, row, before=before)
