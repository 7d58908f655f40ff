"""Plan and ranges -> the parameters of everything; and the weights as they are after quantization.

    settled = settle(model, plan, ranges)
    settled.groups["relu_out"].scale

``baked(model, plan)`` is the float model on weights and constants that went through their codes and back, which
calibration runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.numbers import Parameters, Type, codes, limits, of_range, of_weights, values_of
from recipebuild.toolkit.quantize.ranges import Range

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.numbers import Array
    from recipebuild.toolkit.quantize.plan import Bias, Constant, Place, QuantizationPlan


@dataclass(frozen=True)
class SettledParameters:
    """Parameters.

    Attributes:
        groups: Of activations, by group.
        constants: Of weights and constant operands, by place; those in float are not there.
        biases: Of biases, by place; those in float are not there.
    """

    groups: Mapping[str, Parameters]
    constants: Mapping[Place, Parameters]
    biases: Mapping[Place, Parameters]


def settle(model: onnx.ModelProto, plan: QuantizationPlan, ranges: Mapping[str, Range]) -> SettledParameters:
    """The parameters of all that a plan quantizes.

    Args:
        model: What ``prepare`` gives; its weights are needed.
        plan: Of that model.
        ranges: Of each group.
    """
    stored = _stored(model)
    groups = {name: of_range(group.type, ranges[name]) for name, group in plan.groups.items()}
    constants = _constants(plan, stored)
    biases = {}
    for place, bias in plan.biases.items():
        if bias.type == "S32" and (bias_parameters := _bias(bias, plan, groups, constants, stored[bias.tensor])):
            biases[place] = bias_parameters
    return SettledParameters(groups, constants, biases)


def baked(model: onnx.ModelProto, plan: QuantizationPlan) -> onnx.ModelProto:
    """A copy of the model with weights and constant operands fake-quantized; biases are as they were."""
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    stored = _stored(model)
    nodes = {node.name: node for node in copy.graph.node}
    made: dict[tuple[str, Type, int | None], str] = {}
    for (name, position), parameters in _constants(plan, stored).items():
        constant = plan.constants[name, position]
        key = (constant.tensor, constant.type, constant.axis)
        if key not in made:
            made[key] = f"{constant.tensor}@{constant.type}{'' if constant.axis is None else constant.axis}"
            values = values_of(codes(stored[constant.tensor], parameters), parameters)
            copy.graph.initializer.append(numpy_helper.from_array(values, made[key]))
        nodes[name].input[position] = made[key]
    return copy


def _stored(model: onnx.ModelProto) -> dict[str, Array]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _constants(plan: QuantizationPlan, stored: Mapping[str, Array]) -> dict[Place, Parameters]:
    return {
        place: _constant(constant, stored[constant.tensor])
        for place, constant in plan.constants.items()
        if constant.type != "FP32"
    }


def _constant(constant: Constant, values: Array) -> Parameters:
    if constant.symmetric:
        return of_weights(constant.type, values, constant.axis)
    return of_range(constant.type, Range(float(values.min()), float(values.max())))


def _bias(
    bias: Bias,
    plan: QuantizationPlan,
    groups: Mapping[str, Parameters],
    constants: Mapping[Place, Parameters],
    values: Array,
) -> Parameters | None:
    """The parameters of a bias; ``None`` if its codes do not fit 32 bits, and it stays in float."""
    import numpy as np

    group = plan.uses[bias.input].group
    if group is None:
        return None
    weight = constants[bias.weight]
    scale = (groups[group].scale * weight.scale).astype(np.float32)
    axis = None if weight.axis is None else values.ndim - 1
    parameters = Parameters("S32", scale, np.zeros(scale.shape, np.int64), axis)
    if (scale == 0).any() or np.abs(values.astype(np.float64) / scale).max(initial=0) > limits("S32")[1]:
        return None
    return parameters
