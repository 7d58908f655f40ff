"""Operators that give what they take go: Identity, Dropout, a Resize to the same size, a sum with 0, a product with 1.

f(x) = x
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.graph.edit import Edit, array, attribute, sizes

if TYPE_CHECKING:
    import onnx_ir as ir

_NEUTRAL = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1}


@dataclass(frozen=True)
class Match:
    """``node`` gives ``x``."""

    node: ir.Node
    x: ir.Value


def pattern(node: ir.Node) -> Match | None:
    """An operator that might do nothing, and what it would then give."""
    x = next((value for value in node.inputs if array(value) is None), None)
    known = node.op_type in ("Identity", "Dropout", "Resize", "Cast", "Expand") or node.op_type in _NEUTRAL
    return Match(node, x) if known and x is not None else None


def check(match: Match) -> bool:
    """It does nothing."""
    node, x = match.node, match.x
    out = node.outputs[0]
    if sizes(x) is None or sizes(x) != sizes(out) or (x.is_graph_input() and out.is_graph_output()):
        return False
    if any(other.uses() for other in node.outputs[1:]):
        return False
    if node.op_type == "Resize":
        return bool(attribute(node, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize")
    if node.op_type == "Cast":
        return x.dtype == out.dtype
    if node.op_type in _NEUTRAL:
        held = [array(value) for value in node.inputs if value is not x]
        first = node.inputs[0] is x or node.op_type in ("Add", "Mul")
        return first and len(held) == 1 and held[0] is not None and bool((held[0] == _NEUTRAL[node.op_type]).all())
    return True


def rewrite(edit: Edit, match: Match) -> None:
    """Use what it takes."""
    edit.replace(match.node.outputs[0], match.x)
