"""A negation is a product with -1.

    Neg(x) = Mul(x, -1)

Evidence: Neg is not in the table of AX650's operators (pulsar2-docs-en, appendix/op_support_list_ax650.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, is_float, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Neg."""

    neg: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Neg."""
    return Match(node) if node.op_type == "Neg" else None


def check(match: Match) -> str | None:
    """It is of floating-point numbers of known shape."""
    if not is_float(match.neg.inputs[0]):
        return "Neg is not of floating-point numbers"
    return None if sizes(match.neg.inputs[0]) is not None else "the shape of Neg is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """Multiply by -1."""
    x = sure(match.neg.inputs[0])
    constant = edit.number(-1, x, f"{match.neg.outputs[0].name}_minus_one")
    edit.replace(match.neg.outputs[0], edit.add("Mul", [x, constant], sure(sizes(x)), before=match.neg))
