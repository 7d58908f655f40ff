"""Tables of operators: which inputs are weights, which operators move data, which may stay in float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.view import View

Role = Literal["data", "weight", "bias", "constant", "scale", "parameter"]
"""What an input is to its operator: an activation; weights; a bias; a constant operand of elementwise arithmetic; the
scale or shift of a LayerNormalization; something that stays as it is (sizes, axes, integers, other constants)."""

PASSIVE = frozenset({"Reshape", "Transpose", "Squeeze", "Slice", "Pad", "Relu", "MaxPool"})
"""Known to share scale and zero point with their input."""
LIKE_PASSIVE = frozenset({
    "DepthToSpace", "Expand", "Flatten", "Gather", "GlobalMaxPool", "Identity", "SpaceToDepth", "Split", "Tile",
    "Unsqueeze",
})  # fmt: skip
"""Taken for passive, as they, too, only move or choose values."""

FLOAT = frozenset({"LeakyRelu", "Sigmoid", "Relu", "Add", "Mul", "Div", "Sub", "Concat", "Softmax"})
"""The operators that FP32 is documented for; elsewhere it is ignored in silence."""

ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Where", "Concat"})
"""Whose constant operands are quantized over their own values. Known for Add, Mul and Div."""

UNTOUCHED = frozenset({"Shape", "Size", "ConstantOfShape"})
"""They look at a tensor's shape, not at its values."""

_MATRICES = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def is_passive(operator: str) -> bool:
    """Whether an operator's output holds values of its first input only."""
    return operator in PASSIVE or operator in LIKE_PASSIVE


def role(node: onnx.NodeProto, position: int, view: View) -> Role:
    """What an input is to its node."""
    name, operator = node.input[position], node.op_type
    if view.is_live(name):
        return "parameter" if operator in UNTOUCHED or (is_passive(operator) and position > 0) else "data"
    if name not in view.constants:
        return "parameter"
    if operator in _MATRICES and position < 2:
        return "weight"
    if operator in ("Conv", "ConvTranspose", "Gemm") and position == 2:
        return "bias"
    if operator == "LayerNormalization":
        return "scale"
    return "constant" if operator in ELEMENTWISE else "parameter"


def is_product(node: onnx.NodeProto, view: View) -> bool:
    """Whether it multiplies two activations: a MatMul of both, or a Conv or Gemm whose weight is computed."""
    return node.op_type in _MATRICES and all(view.is_live(name) for name in node.input[:2])


def output_channels(node: onnx.NodeProto, position: int, rank: int) -> int | None:
    """The axis of a weight that has the output channels; ``None`` if it has none: a vector times a matrix."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm":
        turned = any(attribute.name == ("transA", "transB")[position] and attribute.i for attribute in node.attribute)
        return 1 - position if turned else position
    if rank < 2:
        return None
    return rank - 1 if position == 1 else rank - 2
