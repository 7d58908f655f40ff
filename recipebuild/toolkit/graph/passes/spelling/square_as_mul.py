"""A square is a product.

    Pow(x, 2) = Mul(x, x)

Evidence: Pulsar2 fuses Pow into something that does not tile (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, scalar, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Pow."""

    pow: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Pow."""
    return Match(node) if node.op_type == "Pow" else None


def check(match: Match) -> str | None:
    """The exponent is 2, and changes no shape."""
    x, exponent = match.pow.inputs
    if scalar(exponent) != 2:
        return "the exponent of Pow is not 2"
    if sizes(x) is None:
        return "the shape of Pow is not known"
    return None if sizes(x) == sizes(match.pow.outputs[0]) else "Pow changes the shape"


def rewrite(edit: Edit, match: Match) -> None:
    """Multiply x by itself."""
    x = sure(match.pow.inputs[0])
    edit.replace(match.pow.outputs[0], edit.add("Mul", [x, x], sure(sizes(x)), before=match.pow))
