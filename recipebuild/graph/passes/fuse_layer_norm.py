"""The nine operators that older exporters spell a layer normalization with become one LayerNormalization.

    (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * scale + bias  =  LayerNormalization(x, scale, bias)

both over the last axis: the definition of the operator (ONNX opset 17).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.graph.edit import Edit, array, attribute, made_by, scalar, sizes

if TYPE_CHECKING:
    import onnx_ir as ir

WHY = "one operator instead of nine, which read and write the tensor nine times"


@dataclass(frozen=True)
class Match:
    """``out`` is the Add at the end; ``scale`` and ``bias`` are vectors, ``epsilon`` is added to the variance."""

    out: ir.Node
    x: ir.Value
    scale: ir.Value
    bias: ir.Value
    epsilon: float


def pattern(node: ir.Node) -> Match | None:
    """The chain that ends in ``node``, an Add of the bias."""
    if node.op_type != "Add":
        return None
    for scaled, bias in (node.inputs, tuple(reversed(node.inputs))):
        mul = made_by(scaled, "Mul")
        for normal, scale in (mul.inputs, tuple(reversed(mul.inputs))) if mul else ():
            found = _normalized(normal)
            if found is not None and scale is not None and bias is not None:
                return Match(node, found[0], scale, bias, found[1])
    return None


def check(match: Match) -> bool:
    """Scale and bias are constant vectors as long as the last axis."""
    shape = sizes(match.x)
    return shape is not None and all(
        (held := array(value)) is not None and held.shape == shape[-1:] for value in (match.scale, match.bias)
    )


def rewrite(edit: Edit, match: Match) -> None:
    """Put the one operator in the chain's place."""
    out = match.out.outputs[0]
    attributes = {"axis": -1, "epsilon": match.epsilon, "stash_type": 1}
    inputs = [match.x, match.scale, match.bias]
    edit.replace(
        out, edit.add("LayerNormalization", inputs, sizes(match.x) or (), before=match.out, attributes=attributes)
    )


def _normalized(value: ir.Value | None) -> tuple[ir.Value, float] | None:
    """X and epsilon, if ``value`` is (x - mean) / sqrt(variance + epsilon)."""
    div = made_by(value, "Div")
    if div is None:
        return None
    centred, deviation = made_by(div.inputs[0], "Sub"), made_by(div.inputs[1], "Sqrt")
    shifted = made_by(deviation.inputs[0], "Add") if deviation else None
    if centred is None or shifted is None:
        return None
    x, mean = centred.inputs[0], _mean(centred.inputs[1])
    for variance, epsilon in (shifted.inputs, tuple(reversed(shifted.inputs))):
        square = made_by(_mean(variance), "Pow", "Mul")
        if square is None or (size := scalar(epsilon)) is None or x is None or mean is not x:
            continue
        squares = square.inputs[0] is centred.outputs[0]
        twice = scalar(square.inputs[1]) == 2 if square.op_type == "Pow" else square.inputs[1] is square.inputs[0]
        if squares and twice:
            return x, size
    return None


def _mean(value: ir.Value | None) -> ir.Value | None:
    """What ``value`` is the mean of over the last axis, which is kept."""
    node = made_by(value, "ReduceMean")
    shape = sizes(node.inputs[0]) if node else None
    if node is None or shape is None or not attribute(node, "keepdims", 1):
        return None
    axes = attribute(node, "axes")
    if axes is None and len(node.inputs) > 1 and (held := array(node.inputs[1])) is not None:
        axes = held.tolist()
    return node.inputs[0] if axes is not None and list(axes) in ([-1], [len(shape) - 1]) else None
