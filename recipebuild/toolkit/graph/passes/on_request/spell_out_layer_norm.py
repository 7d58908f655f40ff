"""A LayerNormalization is spelled in elementary operators: on request, for a tool that does not take it.

    LayerNormalization(x, scale, bias)  =  (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * scale + bias

the definition of the operator (ONNX opset 17); ``fuse_layer_norm`` is the way back, and comes before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 18
"""The first whose ReduceMean takes its axes as an input."""


@dataclass(frozen=True)
class Match:
    """The LayerNormalization."""

    norm: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A LayerNormalization."""
    known = node.op_type == "LayerNormalization" and node.domain == "" and sizes(node.inputs[0])
    return Match(node) if known else None


def check(match: Match) -> str | None:
    """It is of float32, in which it computes in any case, and nothing takes its mean and deviation."""
    import onnx_ir as ir

    if sure(match.norm.inputs[0]).dtype != ir.DataType.FLOAT:
        return "LayerNormalization is not of float32"
    if any(other.uses() or other.is_graph_output() for other in match.norm.outputs[1:]):
        return "something takes the mean or the deviation of LayerNormalization"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Put the definition in its place."""
    import numpy as np

    norm, out = match.norm, match.norm.outputs[0]
    x, scale, *rest = sure(norm.inputs[0]), *norm.inputs[1:]
    shape = sure(sizes(x))
    first = attribute(norm, "axis", -1) % len(shape)
    axes = edit.constant(np.arange(first, len(shape)), f"{out.name}_axes")
    epsilon = edit.number(attribute(norm, "epsilon", 1e-5), x, f"{out.name}_epsilon")
    small = (*shape[:first], *[1] * (len(shape) - first))

    def mean(value: ir.Value) -> ir.Value:
        return edit.add("ReduceMean", [value, axes], small, before=norm, attributes={"keepdims": 1})

    centred = edit.add("Sub", [x, mean(x)], shape, before=norm)
    variance = mean(edit.add("Mul", [centred, centred], shape, before=norm))
    shifted = edit.add("Add", [variance, epsilon], small, before=norm)
    result = edit.add("Div", [centred, edit.add("Sqrt", [shifted], small, before=norm)], shape, before=norm)
    result = edit.add("Mul", [result, scale], shape, before=norm)
    for bias in rest:
        if bias is not None:
            result = edit.add("Add", [result, bias], shape, before=norm)
    edit.replace(out, result)
