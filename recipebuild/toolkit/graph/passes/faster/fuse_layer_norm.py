"""The nine operators that older exporters spell a layer normalization with become one LayerNormalization.

    (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * scale + bias  =  LayerNormalization(x, scale, bias)

both over the last axis: the definition of the operator (ONNX opset 17). A scale of ones or a bias of zeros, as an
untrained model has them, may have been dropped already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, made_by, only_use, scalar, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET = 17
"""The first with LayerNormalization."""


@dataclass(frozen=True)
class Match:
    """``out`` is the last operator, ``epsilon`` is added to the variance.

    ``scale`` and ``bias`` are vectors, or ``None`` for ones and zeros.
    """

    out: ir.Node
    x: ir.Value
    scale: ir.Value | None
    bias: ir.Value | None
    epsilon: float


def pattern(node: ir.Node) -> Match | None:
    """The chain around ``node``, the Div by the standard deviation."""
    normalized = _normalized(node) if node.op_type == "Div" else None
    if normalized is None:
        return None
    out, length = node, (sizes(normalized[0]) or (0,))[-1]
    factors: dict[str, ir.Value | None] = {"Mul": None, "Add": None}
    for operator in factors:
        user = only_use(out.outputs[0])
        if user is None or user.op_type != operator:
            continue
        other = user.inputs[1] if user.inputs[0] is out.outputs[0] else user.inputs[0]
        if (held := array(other)) is not None and held.shape == (length,):
            out, factors[operator] = user, other
    return Match(out, normalized[0], factors["Mul"], factors["Add"], normalized[1])


def check(match: Match) -> str | None:
    """Always: the pattern is the operator's definition."""
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Put the one operator in the chain's place."""
    import numpy as np

    out, shape = match.out.outputs[0], sure(sizes(match.x))
    dtype = sure(match.x.dtype).numpy()
    scale = match.scale or edit.constant(np.ones(shape[-1], dtype), f"{out.name}_scale")
    inputs = [match.x, scale] if match.bias is None else [match.x, scale, match.bias]
    attributes = {"axis": -1, "epsilon": match.epsilon, "stash_type": 1}
    edit.replace(out, edit.add("LayerNormalization", inputs, shape, before=match.out, attributes=attributes))


def _normalized(div: ir.Node) -> tuple[ir.Value, float] | None:
    """X and epsilon, if ``div`` is (x - mean) / sqrt(variance + epsilon)."""
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
