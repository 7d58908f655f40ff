"""What several passes look for: a linear layer, and chains of operators that only move elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Sizes, array, attribute, made_by, only_use, permutation, scalar, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array, Edit

POINTWISE = frozenset({
    "Abs", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Neg", "Relu", "Sigmoid",
    "Softplus", "Sqrt", "Tanh",
})  # fmt: skip
"""Operators of one input that treat each element alone."""


@dataclass(frozen=True)
class Linear:
    """x W + b over the last axis: ``matrix`` [C, D], ``bias`` [D] or ``None``; ``nodes`` from first to last."""

    x: ir.Value
    matrix: Array
    bias: Array | None
    nodes: tuple[ir.Node, ...]

    @property
    def weight(self) -> ir.Value:
        """The initializer of the matrix."""
        return sure(self.nodes[0].inputs[1])


def linear(value: ir.Value | None) -> Linear | None:
    """The linear layer that gives ``value``: a MatMul by a constant matrix, perhaps an Add of a constant vector."""
    add = made_by(value, "Add")
    product, bias = value, None
    if add is not None:
        operands = [operand for operand in add.inputs if array(operand) is None]
        vectors = [held for operand in add.inputs if (held := array(operand)) is not None and held.ndim == 1]
        if len(operands) != 1 or len(vectors) != 1 or only_use(sure(operands[0])) is None:
            return None
        product, bias = operands[0], vectors[0]
    matmul = made_by(product, "MatMul")
    matrix = array(matmul.inputs[1]) if matmul else None
    if matmul is None or matrix is None or matrix.ndim != 2 or matmul.inputs[0] is None:
        return None
    if bias is not None and bias.shape != matrix.shape[1:]:
        return None
    return Linear(matmul.inputs[0], matrix, bias, (matmul, add) if add is not None else (matmul,))


def conv1x1(
    edit: Edit,
    image: ir.Value,
    kernel: Array,
    bias: Array | None,
    *,
    names: tuple[str, str],
    before: ir.Node,
    origin: ir.Node,
) -> ir.Value:
    """A 1x1 Conv of ``image`` [N, C, H, W] by ``kernel`` [D, C, 1, 1] and ``bias`` [D], which get the two ``names``.

    ``origin`` is the node whose work it does.
    """
    n, _, h, w = sure(sizes(image))
    inputs = [image, edit.constant(kernel, names[0])]
    if bias is not None:
        inputs.append(edit.constant(bias, names[1]))
    attributes = {"dilations": [1, 1], "group": 1, "kernel_shape": [1, 1], "pads": [0, 0, 0, 0], "strides": [1, 1]}
    shape = (n, kernel.shape[0], h, w)
    return edit.add("Conv", inputs, shape, before=before, attributes=attributes, origin=origin)


def moved_from(value: ir.Value | None) -> tuple[ir.Value | None, list[ir.Node]]:
    """Where ``value`` comes from through Reshapes and Transposes of one use each; these nodes, first to last."""
    moves: list[ir.Node] = []
    while (node := made_by(value, "Reshape", "Transpose")) is not None:
        if only_use(sure(node.inputs[0])) is None:
            return node.inputs[0], [node, *moves]
        moves.insert(0, node)
        value = node.inputs[0]
    return value, moves


def moved_to(value: ir.Value) -> tuple[ir.Value, list[ir.Node]]:
    """Where ``value`` goes through Reshapes and Transposes of one use each; these nodes, first to last."""
    moves: list[ir.Node] = []
    while (node := only_use(value)) is not None and node.op_type in ("Reshape", "Transpose"):
        moves.append(node)
        value = node.outputs[0]
    return value, moves


def carried(held: Array, moves: Sequence[ir.Node]) -> Array | None:
    """What Reshapes and Transposes make of an array."""
    for node in moves:
        perm = permutation(node)
        target = sizes(node.outputs[0])
        if target is None:
            return None
        held = held.transpose(perm) if perm is not None else held.reshape(target)
    return held


def constant_along(held: Array, axis: int) -> bool:
    """Whether all slices along ``axis`` are equal."""
    first = held.take([0], axis)
    return bool((held == first).all())


def factor(node: ir.Node) -> tuple[ir.Value, float] | None:
    """What ``node`` multiplies by a constant number, and that number."""
    if node.op_type not in ("Mul", "Div"):
        return None
    first, second = node.inputs
    if (number := scalar(second)) is not None and first is not None and number != 0:
        return first, number if node.op_type == "Mul" else 1 / number
    if node.op_type == "Mul" and (number := scalar(first)) is not None and second is not None:
        return second, number
    return None


_REPEATS = frozenset({
    ("asymmetric", "floor"),
    ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil"),
    ("pytorch_half_pixel", "round_prefer_floor"), ("pytorch_half_pixel", "round_prefer_ceil"),
})  # fmt: skip
"""Under which output i reads input i // s: (i + 0.5) / s - 0.5 is nearest to that, and never half way to another."""


def repeats(resize: ir.Node) -> Sizes | None:
    """How often a Resize repeats what it takes along each axis, if that is all that it does."""
    before, after = sizes(resize.inputs[0]), sizes(resize.outputs[0])
    if before is None or after is None or any(large % small for small, large in zip(before, after, strict=True)):
        return None
    how = (
        attribute(resize, "coordinate_transformation_mode", "half_pixel"),
        attribute(resize, "nearest_mode", "round_prefer_floor"),
    )
    if attribute(resize, "mode", "nearest") != "nearest" or how not in _REPEATS:
        return None
    if attribute(resize, "keep_aspect_ratio_policy", "stretch") != "stretch":
        return None
    factors = tuple(large // small for small, large in zip(before, after, strict=True))
    scales = array(resize.inputs[2]) if len(resize.inputs) > 2 else None
    axes = attribute(resize, "axes") or range(len(before))
    # Scales that are rounded down to these sizes would read other pixels.
    exact = scales is None or scales.size == 0 or scales.tolist() == [factors[axis] for axis in axes]
    return factors if exact else None
