"""Operators that give what they take go: Identity, Dropout, a Resize to the same size, a sum with 0, a product with 1.

f(x) = x
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, scalar, sizes

if TYPE_CHECKING:
    import onnx_ir as ir

_NEUTRAL = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1}


@dataclass(frozen=True)
class Match:
    """``node`` gives ``x``."""

    node: ir.Node
    x: ir.Value


def pattern(node: ir.Node) -> Match | None:
    """An operator that gives the shape and the type that it takes, and by its constants what it takes."""
    x, out = next((value for value in node.inputs if array(value) is None), None), node.outputs[0]
    if x is None or sizes(x) is None or sizes(x) != sizes(out):
        return None
    if node.op_type == "Cast":
        return Match(node, x) if x.dtype == out.dtype else None
    known = node.op_type in ("Identity", "Dropout", "Resize", "Expand") or _is_neutral(node, x)
    return Match(node, x) if known else None


def check(match: Match) -> str | None:
    """Nothing else of it is needed, and it does not only give an output its name."""
    node, x = match.node, match.x
    if node.outputs[0].is_graph_output() and (x.is_graph_input() or x.is_graph_output()):
        return f"{node.op_type} leads from an input or output of the graph to an output"
    if any(other.uses() or other.is_graph_output() for other in node.outputs[1:]):
        return f"something takes the mask of {node.op_type}"
    if node.op_type == "Dropout" and any(value is not None and scalar(value) != 0 for value in node.inputs[2:]):
        return "Dropout may be in training mode"
    if attribute(node, "coordinate_transformation_mode") == "tf_crop_and_resize":
        return "Resize cuts a region out"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Use what it takes."""
    edit.replace(match.node.outputs[0], match.x)


def _is_neutral(node: ir.Node, x: ir.Value) -> bool:
    """Whether ``node`` adds 0 to ``x``, multiplies it by 1, and so on."""
    if node.op_type not in _NEUTRAL:
        return False
    held = [array(value) for value in node.inputs if value is not x]
    first = node.inputs[0] is x or node.op_type in ("Add", "Mul")
    return first and len(held) == 1 and held[0] is not None and bool((held[0] == _NEUTRAL[node.op_type]).all())
