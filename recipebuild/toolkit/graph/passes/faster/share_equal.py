"""Equal operators with equal inputs are computed once; equal constants are stored once.

y1 = f(x), y2 = f(x)   =>   y2 = y1
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``node`` computes what ``earlier`` has computed."""

    node: ir.Node
    earlier: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A node with a twin before it."""
    x = node.inputs[0] if node.inputs else None
    if x is None or node.op_type not in ("Reshape", "Transpose", "LayerNormalization"):
        return None
    for use in x.uses():
        if use.node is not node and _same(use.node, node) and _is_before(use.node, node):
            return Match(node, use.node)
    return None


def check(match: Match) -> str | None:
    """No output of the graph loses its name."""
    if match.node.outputs[0].is_graph_output():
        return f"{match.node.op_type} gives an output of the graph"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Use the earlier one."""
    edit.replace(match.node.outputs[0], match.earlier.outputs[0])


def _same(one: ir.Node, other: ir.Node) -> bool:
    return (
        one.op_type == other.op_type
        and len(one.inputs) == len(other.inputs)
        and {name: attr.value for name, attr in one.attributes.items()}
        == {name: attr.value for name, attr in other.attributes.items()}
        and all(_key(a) == _key(b) for a, b in zip(one.inputs, other.inputs, strict=True))
    )


def _key(value: ir.Value | None) -> Hashable:
    held = array(value)
    return (held.shape, held.dtype.str, held.tobytes()) if held is not None and held.size < 64 else id(value)


def _is_before(one: ir.Node, other: ir.Node) -> bool:
    for node in sure(one.graph):
        if node is one:
            return True
        if node is other:
            return False
    return False
