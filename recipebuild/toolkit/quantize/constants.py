"""Weights, biases and constant operands.

- Weights of Conv, ConvTranspose, Gemm and MatMul: S8 per output channel, symmetric.
- A constant operand of Add, Mul, Div and the like: over its own values, 0 included, one scale for all of it, in the
  type of the operator. A vector per channel with outliers has 8 bits for the whole of it.
- Biases: S32, with the product of the input's and the weight's scale; those of Conv in float on request.
- The scale of a LayerNormalization: as it is, or in 32 bits. Its shift, and all that is no operand (sizes, bounds,
  exponents): as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.operators import output_channels, role
from recipebuild.toolkit.quantize.plan import Bias, Constant, Place

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.numbers import Type
    from recipebuild.toolkit.quantize.precision import Precision
    from recipebuild.toolkit.quantize.view import View


def constants(
    view: View, precision: Mapping[str, Precision], biases: frozenset[Place], layer_norm_scale: str
) -> dict[Place, Constant]:
    """How each weight and constant operand is kept; those at ``biases`` are none."""
    by_place = {}
    for node in view.nodes:
        for position in range(len(node.input)):
            place = (node.name, position)
            if not node.input[position] or place in biases:
                continue
            if kept := _kept(node, position, view, precision, layer_norm_scale):
                kind, axis, rule = kept
                symmetric = role(node, position, view) in ("weight", "scale")
                by_place[place] = Constant(*place, node.input[position], kind, axis, symmetric, rule)
    return by_place


def biases(
    view: View, sums: Mapping[str, tuple[onnx.NodeProto, int]], kept: Mapping[Place, Constant], conv_bias: str
) -> dict[Place, Bias]:
    """The biases of Conv, ConvTranspose and Gemm, and those of ``sums``: Adds fused into the MatMul before them."""
    by_place = {}
    for node in view.nodes:
        for position in range(2, len(node.input)):
            if role(node, position, view) == "bias":
                by_place[node.name, position] = _bias(node, (node, position), view, kept)
                if node.op_type == "Conv" and conv_bias == "FP32":
                    by_place[node.name, position] = replace(
                        by_place[node.name, position], type="FP32", rule="conv_bias_data_type FP32"
                    )
    for product, (add, position) in sums.items():
        by_place[add.name, position] = _bias(view.producer[product], (add, position), view, kept)
    return by_place


def _kept(
    node: onnx.NodeProto, position: int, view: View, precision: Mapping[str, Precision], layer_norm_scale: str
) -> tuple[Type, int | None, str] | None:
    chosen = precision[node.name]
    what = role(node, position, view)
    if what == "weight":
        axis = output_channels(node, position, len(view.shapes[node.input[position]]))
        if chosen.weight == "FP32":
            return "FP32", None, "weight_data_type FP32"
        return "S8", axis, "weight: symmetric, per output channel" if axis is not None else "weight: symmetric"
    if what == "constant":
        if chosen.type == "FP32":
            return "FP32", None, f"{node.op_type} in float"
        return chosen.type, None, f"constant operand of {node.op_type}: one scale for all of it"
    if what == "scale" and position == 1 and layer_norm_scale != "FP32":
        return "S32", None, f"scale of a LayerNormalization: {layer_norm_scale}"
    if what == "scale":
        return "FP32", None, "scale or shift of a LayerNormalization"
    return None


def _bias(node: onnx.NodeProto, at: tuple[onnx.NodeProto, int], view: View, kept: Mapping[Place, Constant]) -> Bias:
    """The bias at an input, of the product that ``node`` makes."""
    owner, position = at
    live = next((i for i in (0, 1) if view.is_live(node.input[i])), 0)
    weight = kept.get((node.name, 1 - live))
    kind, rule = _bias_kind(node, owner.input[position], weight, view)
    return Bias(owner.name, position, owner.input[position], kind, (node.name, live), (node.name, 1 - live), rule)


def _bias_kind(node: onnx.NodeProto, name: str, weight: Constant | None, view: View) -> tuple[Type, str]:
    if weight is None:
        return "FP32", "the weight is computed, its scale belongs to no channel"
    if weight.type == "FP32":
        return "FP32", "the weight is in float"
    scaled = any(attribute.name in ("alpha", "beta") and attribute.f != 1 for attribute in node.attribute)
    channels = view.constants[weight.tensor].dims[weight.axis] if weight.axis is not None else 1
    if scaled or (weight.axis is not None and list(view.constants[name].dims)[-1:] != [channels]):
        return "FP32", "it is not one number per output channel"
    return "S32", "bias: scale of the input times scale of the weight"
