"""A reciprocal is a quotient of 1.

    Reciprocal(x) = Div(1, x)

Evidence: Reciprocal is not in the table of AX650's operators (pulsar2-docs-en, appendix/op_support_list_ax650.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Reciprocal."""

    node: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Reciprocal."""
    return Match(node) if node.op_type == "Reciprocal" else None


def check(match: Match) -> str | None:
    """Its shape is known."""
    return None if sizes(match.node.inputs[0]) is not None else "the shape of Reciprocal is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """Divide 1 by x."""
    x = sure(match.node.inputs[0])
    constant = edit.number(1, x, f"{match.node.outputs[0].name}_one")
    edit.replace(match.node.outputs[0], edit.add("Div", [constant, x], sure(sizes(x)), before=match.node))
