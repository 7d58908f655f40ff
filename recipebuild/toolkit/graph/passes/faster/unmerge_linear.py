"""A linear layer whose result is cut into parts becomes one linear layer for each part.

Split(x [W1 W2 W3] + [b1 b2 b3])  =  x W1 + b1, x W2 + b2, x W3 + b3
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, made_by, only_use, sizes
from recipebuild.toolkit.graph.passes.terms import Linear, linear

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``split`` cuts what ``layer`` gives."""

    split: ir.Node
    layer: Linear


def pattern(node: ir.Node) -> Match | None:
    """A Split of a linear layer, perhaps with a Reshape in between."""
    if node.op_type != "Split" or node.inputs[0] is None or only_use(node.inputs[0]) is None:
        return None
    value: ir.Value | None = node.inputs[0]
    reshape = made_by(value, "Reshape")
    if reshape is not None and linear(value) is None:
        value = reshape.inputs[0]
        if value is None or only_use(value) is None:
            return None
    layer = linear(value)
    return Match(node, layer) if layer is not None else None


def check(match: Match) -> str | None:
    """It is cut along the last axis, which is that of the layer's outputs."""
    split, shape = match.split, sizes(match.split.inputs[0])
    if shape is None or sizes(match.layer.x) is None or any(sizes(out) is None for out in split.outputs):
        return "the shapes of Split are not known"
    if attribute(split, "axis", 0) not in (-1, len(shape) - 1):
        return "Split is not along the last axis"
    return None if shape[-1] == match.layer.matrix.shape[1] else "the last axis of Split is not the layer's outputs"


def rewrite(edit: Edit, match: Match) -> None:
    """One layer for each part."""
    split, layer = match.split, match.layer
    leading = (sizes(layer.x) or ())[:-1]
    shapes = [sizes(out) or () for out in split.outputs]
    ends = list(accumulate(shape[-1] for shape in shapes))
    for number, (out, shape, end) in enumerate(zip(list(split.outputs), shapes, ends, strict=True)):
        columns = slice(end - shape[-1], end)
        weight = edit.constant(layer.matrix[:, columns].copy(), f"{layer.weight.name}_part_{number}")
        part = edit.add("MatMul", [layer.x, weight], (*leading, shape[-1]), before=split)
        if layer.bias is not None:
            bias = edit.constant(layer.bias[columns].copy(), f"{layer.weight.name}_part_{number}_bias")
            part = edit.add("Add", [part, bias], (*leading, shape[-1]), before=split)
        edit.replace(out, edit.reshape(part, shape, before=split))
