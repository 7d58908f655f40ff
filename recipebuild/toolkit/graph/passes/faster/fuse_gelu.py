"""The five operators around an Erf become one Gelu.

    0.5 * x * (1 + erf(x / sqrt(2)))  =  Gelu(x)

the definition of the operator (ONNX opset 20), the factors in whatever order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, scalar, sizes

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 20
"""The first with Gelu."""


@dataclass(frozen=True)
class Match:
    """``out`` is the last Mul, ``factors`` are all that is multiplied there."""

    out: ir.Node
    x: ir.Value
    factors: tuple[ir.Value, ...]


def pattern(node: ir.Node) -> Match | None:
    """A product, ending in ``node``, of three factors of which one is 1 + erf(...)."""
    if node.op_type != "Mul" or any(use.node.op_type == "Mul" and _is_half(use.node) for use in node.outputs[0].uses()):
        return None
    factors = _factors(node.outputs[0])
    for factor in factors:
        add = made_by(factor, "Add")
        for term, one in (add.inputs, tuple(reversed(add.inputs))) if add else ():
            erf = made_by(term, "Erf")
            x = _over_root_two(erf.inputs[0]) if erf and scalar(one) == 1 else None
            if x is not None:
                return Match(node, x, tuple(other for other in factors if other is not factor))
    return None


def check(match: Match) -> str | None:
    """The other two factors are x and a half."""
    halves = [scalar(factor) for factor in match.factors if factor is not match.x]
    if len(match.factors) != 2 or halves != [0.5]:
        return "the factors beside 1 + Erf are not x and 0.5"
    return None if sizes(match.x) is not None else "the shape of Erf is not known"


def rewrite(edit: Edit, match: Match) -> None:
    """Put the one operator in their place."""
    shape = sizes(match.x) or ()
    gelu = edit.add("Gelu", [match.x], shape, before=match.out, attributes={"approximate": "none"})
    edit.replace(match.out.outputs[0], gelu)


def _is_half(node: ir.Node) -> bool:
    return any(scalar(value) == 0.5 for value in node.inputs)


def _factors(value: ir.Value) -> list[ir.Value]:
    """The factors of a product of two or three."""
    node = made_by(value, "Mul")
    if node is None:
        return [value]
    first, second = node.inputs
    for product, factor in ((first, second), (second, first)):
        inner = made_by(product, "Mul")
        if inner is not None and factor is not None:
            return [factor, *(operand for operand in inner.inputs if operand is not None)]
    return [operand for operand in node.inputs if operand is not None]


def _over_root_two(value: ir.Value | None) -> ir.Value | None:
    """x, if ``value`` is x / sqrt(2)."""
    node = made_by(value, "Div", "Mul")
    divisor = scalar(node.inputs[1]) if node else None
    if node is None or not divisor:
        return None
    factor = 1 / divisor if node.op_type == "Div" else divisor
    return node.inputs[0] if math.isclose(factor, math.sqrt(0.5), rel_tol=1e-6) else None
