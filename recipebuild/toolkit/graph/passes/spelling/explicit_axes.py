"""A reduction over all axes, or over axes counted from the end, says which axes those are.

    ReduceMean(x) = ReduceMean(x, axes = [0, 1, ...])

Evidence: Pulsar2 takes a ReduceMean without axes for one over the last axis, in silence, and does not support
noop_with_empty_axes (pulsar2-docs-en, appendix/op_support_list_ax650.md; onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 18
"""The first in which all reductions take their axes as an input."""

_REDUCTIONS = frozenset({"ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})


@dataclass(frozen=True)
class Match:
    """The reduction."""

    node: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A reduction without axes that are an input."""
    without = len(node.inputs) < 2 or node.inputs[1] is None
    return Match(node) if node.op_type in _REDUCTIONS and without else None


def check(match: Match) -> str | None:
    """It reduces all axes, of which there are some."""
    if not sizes(match.node.inputs[0]):
        return f"the axes of {match.node.op_type} are not known, or there are none"
    if attribute(match.node, "noop_with_empty_axes", 0):
        return f"{match.node.op_type} reduces nothing without axes"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Write the axes out."""
    import numpy as np

    node = match.node
    x = sure(node.inputs[0])
    axes = edit.constant(np.arange(len(sure(sizes(x))), dtype=np.int64), f"{node.outputs[0].name}_axes")
    keep = {"keepdims": attribute(node, "keepdims", 1)}
    new = edit.add(node.op_type, [x, axes], sizes(node.outputs[0]) or (), before=node, attributes=keep)
    edit.replace(node.outputs[0], new)
