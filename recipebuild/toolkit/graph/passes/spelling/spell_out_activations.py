"""Activations of ONNX Runtime's own, and of the newest opset, become operators that the NPU's tables have.

    Swish(x)     =  x * Sigmoid(alpha * x)      opset 24; alpha is 1 if left out
    QuickGelu(x) =  x * Sigmoid(alpha * x)      com.microsoft; alpha is 1.702 if left out
    Gelu(x)      =  Gelu(x)                     com.microsoft to ONNX's own, opset 20
    BiasGelu(x, b) =  Gelu(x + b)
    FastGelu(x, b) =  Gelu(x + b, approximate = tanh)

Evidence: a model of Swish alone does not build, though it is listed (onnxsim/onnxsim, scripts/axera/README.md); the
tables are of ONNX's operators (pulsar2-docs-en, appendix/op_support_list_ax650.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 20
"""The first with Gelu."""

_ALPHA = {("", "Swish"): 1.0, ("com.microsoft", "QuickGelu"): 1.702}
"""x * Sigmoid(alpha * x), and what alpha is if it is left out."""
_APPROXIMATE = {"Gelu": "none", "BiasGelu": "none", "FastGelu": "tanh"}
"""Of com.microsoft."""


@dataclass(frozen=True)
class Match:
    """The activation."""

    node: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """One of these activations."""
    known = (node.domain, node.op_type) in _ALPHA or (node.domain == "com.microsoft" and node.op_type in _APPROXIMATE)
    return Match(node) if known else None


def check(match: Match) -> str | None:
    """Its shape is known."""
    node = match.node
    return None if sizes(node.inputs[0]) is not None else f"the shape of {node.op_type} is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """Spell it out."""
    node, out = match.node, match.node.outputs[0]
    x = sure(node.inputs[0])
    shape, default = sure(sizes(x)), _ALPHA.get((node.domain, node.op_type))
    if default is None:
        for bias in node.inputs[1:]:
            x = edit.add("Add", [x, bias], shape, before=node) if bias is not None else x
        how = {"approximate": _APPROXIMATE[node.op_type]}
        edit.replace(out, edit.add("Gelu", [x], shape, before=node, attributes=how))
        return
    alpha, gate = attribute(node, "alpha", default), x
    if alpha != 1:
        gate = edit.add("Mul", [x, edit.number(alpha, x, f"{out.name}_alpha")], shape, before=node)
    gate = edit.add("Sigmoid", [gate], shape, before=node)
    edit.replace(out, edit.add("Mul", [x, gate], shape, before=node))
