"""A Gelu is spelled in elementary operators: on request, for a tool that does not take it.

    Gelu(x)  =  0.5 * x * (1 + erf(x / sqrt(2)))
    Gelu(x, approximate = tanh)  =  0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))

the definition of the operator (ONNX opset 20); ``fuse_gelu`` is the way back from the first, and comes before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Gelu."""

    gelu: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Gelu of ONNX's own."""
    return Match(node) if node.op_type == "Gelu" and node.domain == "" else None


def check(match: Match) -> str | None:
    """Its shape is known."""
    return None if sizes(match.gelu.inputs[0]) is not None else "the shape of Gelu is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """Put the definition in its place."""
    gelu, x = match.gelu, sure(match.gelu.inputs[0])
    shape = sure(sizes(x))

    def make(operator: str, *inputs: ir.Value | float) -> ir.Value:
        name = f"{gelu.outputs[0].name}_constant"
        held = [edit.number(operand, x, name) if isinstance(operand, float) else operand for operand in inputs]
        return edit.add(operator, held, shape, before=gelu)

    if attribute(gelu, "approximate", "none") == "tanh":
        cube = make("Mul", make("Mul", x, x), x)
        curve = make("Tanh", make("Mul", make("Add", x, make("Mul", cube, 0.044715)), math.sqrt(2 / math.pi)))
    else:
        curve = make("Erf", make("Mul", x, math.sqrt(0.5)))
    edit.replace(gelu.outputs[0], make("Mul", make("Mul", x, 0.5), make("Add", curve, 1.0)))
