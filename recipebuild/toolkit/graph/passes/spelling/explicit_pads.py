"""Padding that follows from the sizes is written in numbers.

    Conv(x, auto_pad = SAME_UPPER)  =  Conv(x, pads = [p // 2, p - p // 2]),
    p = max(0, (ceil(n / stride) - 1) * stride + kernel - n)    for each axis of n places

SAME_LOWER has the larger half in front, VALID none (ONNX's specification of Conv and the pools).

Evidence: auto_pad may be NOTSET only (pulsar2-docs-en, appendix/op_support_list_ax650.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """A Conv or a pool, and its kind of padding."""

    node: ir.Node
    kind: str


def pattern(node: ir.Node) -> Match | None:
    """A Conv or a pool with such padding."""
    kind = attribute(node, "auto_pad", "NOTSET") if node.op_type in ("Conv", "AveragePool", "MaxPool") else "NOTSET"
    return Match(node, kind) if kind != "NOTSET" else None


def check(match: Match) -> str | None:
    """The sizes are known, no pool rounds up, and no window has holes: ONNX Runtime does not take that."""
    node = match.node
    if attribute(node, "ceil_mode", 0):
        return f"{node.op_type} rounds sizes up"
    if not set(attribute(node, "dilations", ())) <= {1}:
        return f"the window of {node.op_type} has holes"
    if sizes(node.inputs[0]) is None or not _kernel(node):
        return f"the sizes of {node.op_type} are not known"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Write the numbers."""
    import onnx_ir as ir

    node = match.node
    places = sure(sizes(node.inputs[0]))[2:]
    strides = attribute(node, "strides", (1,) * len(places))
    before, after = [], []
    for n, size, stride in zip(places, _kernel(node), strides, strict=True):
        padding = max(0, (-(-n // stride) - 1) * stride + size - n)
        halves = (0, 0) if match.kind == "VALID" else (padding // 2, padding - padding // 2)
        before.append(halves[match.kind == "SAME_LOWER"])
        after.append(halves[match.kind != "SAME_LOWER"])
    for attr in ir.convenience.convert_attributes({"auto_pad": "NOTSET", "pads": [*before, *after]}):
        node.attributes.add(attr)


def _kernel(node: ir.Node) -> tuple[int, ...]:
    """How many places the window has along each axis; of a Conv its weight may say it."""
    kernel = attribute(node, "kernel_shape")
    return tuple(kernel) if kernel is not None else (sizes(node.inputs[1]) or ())[2:]
