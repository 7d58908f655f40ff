"""A number that a linear layer's result, or a product of activations, is multiplied by goes into the layer's weights.

    s (x W + b) = x (s W) + s b;        s (Q K^T) = (s Q) K^T

It passes Reshapes and Transposes unchanged. So the 1/sqrt(d) of attention costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, made_by, only_use, sizes
from recipebuild.toolkit.graph.passes.terms import Linear, factor, linear, moved_from

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``node`` multiplies ``value`` by ``number``; ``layer`` is what takes it in."""

    node: ir.Node
    value: ir.Value
    number: float
    layer: Linear


def pattern(node: ir.Node) -> Match | None:
    """A product with a number, of something that a linear layer leads to."""
    scaled = factor(node)
    if scaled is None or only_use(scaled[0]) is None:
        return None
    value: ir.Value | None = scaled[0]
    product = made_by(value, "MatMul")
    if product is not None and array(product.inputs[1]) is None:
        value = product.inputs[0]
        if value is None or only_use(value) is None:
            return None
    source, _ = moved_from(value)
    layer = linear(source)
    if layer is None or source is None or only_use(source) is None:
        return None
    return Match(node, scaled[0], scaled[1], layer)


def check(match: Match) -> str | None:
    """The number is a number, and the weights are floating-point ones."""
    if match.layer.matrix.dtype.kind != "f":
        return "the weights are not floating-point numbers"
    if sizes(match.value) is None:
        return f"the shape of {match.node.op_type} is not known"
    if sizes(match.value) != sizes(match.node.outputs[0]):
        return f"{match.node.op_type} changes the shape"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Scale the weights in place of the result."""
    layer = match.layer
    for node in layer.nodes:
        for index, value in enumerate(node.inputs):
            held = array(value)
            if held is not None and value is not None:
                scaled = (held * held.dtype.type(match.number)).astype(held.dtype)
                node.replace_input_with(index, edit.constant(scaled, f"{value.name}_scaled"))
                edit.drop(value)
    edit.replace(match.node.outputs[0], match.value)
