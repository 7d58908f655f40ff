"""What an ONNX model of static shape costs to run: multiply-adds by kind, parameters, sizes of attention maps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.graph.files import load
from recipebuild.graph.statistics import inputs, parameters

if TYPE_CHECKING:
    import onnx

_CONV, _TRANSPOSED, _PRODUCTS = "Conv", "ConvTranspose", ("MatMul", "Gemm")


@dataclass(frozen=True)
class Costs:
    """What one run costs.

    Attributes:
        conv: Multiply-adds in convolutions.
        matmul: Multiply-adds in matrix products.
        parameters: Elements of all weights.
        image_bytes: Elements of the input; the feature maps of an image network grow with it.
        softmax_sizes: Elements of each Softmax's output: attention maps.
    """

    conv: int
    matmul: int
    parameters: int
    image_bytes: int
    softmax_sizes: tuple[int, ...] = ()


def costs(path: Path) -> Costs:
    """The costs of the model at ``path``.

    Raises:
        StepError: If a size in it is not known beforehand.
    """
    import onnx

    model = load(path, weights=False)
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes = _shapes(inferred)
    conv = matmul = 0
    softmax = []
    for node in inferred.graph.node:
        if node.op_type == _CONV:
            conv += _size(shapes, node.output[0]) * math.prod(_shape(shapes, node.input[1])[1:])
        elif node.op_type == _TRANSPOSED:
            conv += _size(shapes, node.input[0]) * math.prod(_shape(shapes, node.input[1])[1:])
        elif node.op_type in _PRODUCTS:
            matmul += _size(shapes, node.output[0]) * _inner(node, _shape(shapes, node.input[0]))
        elif node.op_type == "Softmax":
            softmax.append(_size(shapes, node.output[0]))
    given = sum(math.prod(tensor.sizes or (0,)) for tensor in inputs(model))
    return Costs(conv, matmul, parameters(model), given, tuple(softmax))


def _inner(node: onnx.NodeProto, left: tuple[int, ...]) -> int:
    """The length of the sums: the left operand's last axis, or its first if Gemm transposes it."""
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return left[-2 if transposed else -1]


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = model.graph
    found: dict[str, tuple[int, ...]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        sizes: list[Any] = [size.dim_value for size in value.type.tensor_type.shape.dim]
        if all(size > 0 for size in sizes):
            found.setdefault(value.name, tuple(sizes))
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            found[node.output[0]] = tuple(node.attribute[0].t.dims)
    return found


def _shape(shapes: Mapping[str, tuple[int, ...]], name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise StepError(
            f"the size of the tensor {name} is not known beforehand", remedy="give the model a static shape"
        )
    return shapes[name]


def _size(shapes: Mapping[str, tuple[int, ...]], name: str) -> int:
    return math.prod(_shape(shapes, name))
