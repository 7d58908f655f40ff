"""Exchanging a model's red and blue input channels, in its weights: free at run time, and exact.

    sum_c W[o, c] * x[c]  ==  sum_c W[o, 2 - c] * x[2 - c]

so a model whose first layer has its weights exchanged along the input channels gives for a BGR image what the original
gives for the same image in RGB. On the way to that layer only operators may stand that treat all channels alike, or
whose constant has one value per channel, which is exchanged with them.

Use: ``swap_channels(model, "pixel_values")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.statistics import inputs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

_ALIKE = ("Identity", "Cast", "Clip", "Relu", "QuantizeLinear", "DequantizeLinear")
_PER_CHANNEL = ("Add", "Sub", "Mul", "Div")
_RANK = 4
_REMEDY = (
    "let the program on the board feed what the network was trained with (leave target.runtime_input.format out), or "
    "put a 1x1 convolution that exchanges the channels at the head of the model"
)


def swap_channels(model: onnx.ModelProto, input_name: str) -> onnx.ModelProto:
    """A copy of ``model`` whose input has its first axis of three channels the other way round.

    Args:
        model: Its input is N, 3, H, W.
        input_name: The input's name.

    Raises:
        StepError: If an operator that takes the image is neither a Conv or MatMul over its channels, whose weights
            are constants, nor one that the exchange can pass through.
    """
    result = type(model)()
    result.CopyFrom(model)
    if input_name not in [tensor.name for tensor in inputs(model)]:
        raise StepError(f"the model has no input {input_name}", remedy="set input.name to the name in the model")
    _Swap(result).through(input_name, 1)
    return result


class _Swap:
    """Follows the image from operator to operator, exchanging constants on the way."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._outputs = {value.name for value in model.graph.output}

    def through(self, tensor: str, axis: int) -> None:
        """Exchange what uses ``tensor``, whose channels lie along ``axis``."""
        users = [node for node in self._graph.node if tensor in node.input]
        if tensor in self._outputs or not users:
            raise self._cannot(f"{tensor} is an output itself")
        for node in users:
            self._use(node, tensor, axis)

    def _use(self, node: onnx.NodeProto, tensor: str, axis: int) -> None:
        kind = node.op_type
        first = node.input[0] == tensor and list(node.input).count(tensor) == 1
        if kind == "Conv" and first and axis == 1 and _attribute(node, "group", 1) == 1:
            self._exchange(node, 1, axis=1)
        elif kind == "MatMul" and first and axis == _RANK - 1:
            self._exchange(node, 1, axis=0)
        elif kind in _ALIKE and first:
            self._uniform(node)
            self.through(node.output[0], axis)
        elif kind == "Transpose" and first:
            self.through(node.output[0], _attribute(node, "perm", []).index(axis))
        elif kind == "Pad" and first:
            self._pads_alike(node, axis)
            self.through(node.output[0], axis)
        elif kind in _PER_CHANNEL and list(node.input).count(tensor) == 1:
            self._exchange_vector(node, 1 - list(node.input).index(tensor), axis)
            self.through(node.output[0], axis)
        else:
            raise self._cannot(f"{_named(node)} takes the image")

    def _exchange(self, node: onnx.NodeProto, at: int, axis: int) -> None:
        """Turn the constant that is input ``at`` of ``node`` round along ``axis``, for this node alone."""
        weight = self._array(node, at)
        if weight.shape[axis] != 3:
            raise self._cannot(f"{_named(node)} has a weight of {weight.shape[axis]} channels")
        self._replace(node, at, weight.take([2, 1, 0], axis))

    def _exchange_vector(self, node: onnx.NodeProto, at: int, axis: int) -> None:
        """As ``_exchange``, of an elementwise operand: broadcast from the right, it may have one value for all."""
        value = self._array(node, at)
        along = axis - (_RANK - value.ndim)
        if along >= 0 and value.shape[along] == 3:
            self._replace(node, at, value.take([2, 1, 0], along))
        elif along >= 0 and value.shape[along] != 1:
            raise self._cannot(f"{_named(node)} has a constant of {value.shape[along]} channels")

    def _uniform(self, node: onnx.NodeProto) -> None:
        """Find that the operator's constants are one value for all channels."""
        for at in range(1, len(node.input)):
            if node.input[at] and self._array(node, at).size != 1:
                raise self._cannot(f"{_named(node)} treats channels differently")

    def _pads_alike(self, node: onnx.NodeProto, axis: int) -> None:
        pads = self._array(node, 1).tolist() if len(node.input) > 1 else list(_attribute(node, "pads", []))
        if len(pads) != 2 * _RANK or pads[axis] or pads[axis + _RANK]:
            raise self._cannot(f"{_named(node)} pads the channels")

    def _array(self, node: onnx.NodeProto, at: int) -> npt.NDArray[np.generic]:
        from onnx import numpy_helper

        if node.input[at] not in self._constants:
            raise self._cannot(f"{_named(node)} has a weight that is not a constant")
        array: npt.NDArray[np.generic] = numpy_helper.to_array(self._constants[node.input[at]])
        return array

    def _replace(self, node: onnx.NodeProto, at: int, value: npt.NDArray[np.generic]) -> None:
        from onnx import numpy_helper

        old = node.input[at]
        shared = sum(list(each.input).count(old) for each in self._graph.node) > 1
        name = f"{old}_swapped_for_{node.output[0]}" if shared else old
        tensor = numpy_helper.from_array(value, name)
        if shared:
            self._graph.initializer.append(tensor)
            node.input[at] = name
        else:
            self._constants[old].CopyFrom(tensor)

    @staticmethod
    def _cannot(why: str) -> StepError:
        return StepError(f"red and blue cannot be exchanged in the model's weights: {why}", remedy=_REMEDY)


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def _named(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]}"
