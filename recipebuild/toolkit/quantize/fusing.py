"""Operators that are one on the NPU: the tensor between them is never quantized.

- A Relu that alone uses what its producer gives: both then have the range behind it.
- A MatMul by a constant matrix and the Add of a one-dimensional bias behind it: Pulsar2 makes it a Gemm, whose bias is
  added in the accumulator. A bias of shape [1, N] is not fused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.operators import is_passive

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.precision import Precision
    from recipebuild.toolkit.quantize.view import View


def relus(view: View, precision: Mapping[str, Precision]) -> dict[str, onnx.NodeProto]:
    """The Relus that are fused, by the tensor that they take."""
    by_tensor = {}
    for node in view.nodes:
        tensor = node.input[0] if node.op_type == "Relu" else ""
        producer = view.producer.get(tensor)
        if producer is None or view.only_user(tensor) is None or precision[node.name].type == "FP32":
            continue
        if not is_passive(producer.op_type):
            by_tensor[tensor] = node
    return by_tensor


def biases(view: View, precision: Mapping[str, Precision]) -> dict[str, tuple[onnx.NodeProto, int]]:
    """The Adds of a bias that are fused, by the product that they take, with the bias' position."""
    by_tensor = {}
    for node in view.nodes:
        if node.op_type != "MatMul" or not view.is_live(node.input[0]) or view.rank(node.input[1]) != 2:
            continue
        user = view.only_user(node.output[0])
        if user is None or user.node.op_type != "Add" or precision[user.node.name].type == "FP32":
            continue
        other = 1 - user.position
        weight, bias = view.constants.get(node.input[1]), view.constants.get(user.node.input[other])
        if weight is not None and bias is not None and list(bias.dims) == [weight.dims[1]]:
            by_tensor[node.output[0]] = user.node, other
    return by_tensor


def fused_input(node: onnx.NodeProto, inside: frozenset[str]) -> str | None:
    """The input of a node that exists ``inside`` a fused operator only, if there is one."""
    return next((name for name in node.input if name in inside), None)
