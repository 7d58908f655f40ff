"""What a model costs to run: multiply-adds, memory for activations, changes of layout and of type. Static shapes only.

    multiply_adds(model)         # 17_954_000_000
    work(model).matmul           # those in matrix products alone
    peak_activation_bytes(model)
    layout_changes(model)

Models may be loaded without their weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.proto import bare
from recipebuild.toolkit.graph.walk import nodes

if TYPE_CHECKING:
    import onnx

IMAGE_OPERATORS = frozenset({
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "GlobalAveragePool", "GridSample",
    "InstanceNormalization", "MaxPool", "Resize", "SpaceToDepth",
})  # fmt: skip
"""Operators whose axes are N, C, H, W: what the NPU keeps channels last."""
_ANY = frozenset({
    "Abs", "Add", "Cast", "Clip", "Concat", "DequantizeLinear", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid",
    "HardSwish", "Identity", "LeakyRelu", "Mul", "Neg", "Pow", "QuantizeLinear", "Relu", "Sigmoid", "Sqrt", "Sub",
    "Tanh", "ArgMax", "Split", "Slice", "Pad",
})  # fmt: skip
"""Operators that take either layout and give what they took."""
_COUNTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")
_TYPE = frozenset({"Cast", "DequantizeLinear", "QuantizeLinear"})


@dataclass(frozen=True)
class _Graph:
    """A graph's nodes, and of its tensors the sizes and bytes per element, where known."""

    nodes: list[onnx.NodeProto]
    sizes: Mapping[str, tuple[int, ...]]
    width: Mapping[str, int]
    stored: frozenset[str]


@dataclass(frozen=True)
class Work:
    """What one run of a model computes.

    Attributes:
        conv: Multiply-adds in Conv and ConvTranspose.
        matmul: Multiply-adds in MatMul and Gemm; products of activations included.
        softmax_sizes: Elements of each Softmax's output: attention maps.
        unknown: Tensors of such nodes whose size is not known beforehand; what needs them is not counted.
    """

    conv: int
    matmul: int
    softmax_sizes: tuple[int, ...]
    unknown: tuple[str, ...]


def work(model: onnx.ModelProto) -> Work:
    """Count multiplications with an addition by the kind of operator, and sizes of attention maps.

    Biases, normalizations, activations and interpolation are not counted, as in the usual "MACs".
    """
    graph = _describe(model)
    counted = dict.fromkeys(_COUNTED, 0)
    softmax, unknown = [], []
    for node in graph.nodes:
        if node.op_type not in (*_COUNTED, "Softmax"):
            continue
        missing = [name for name in (*node.input[:2], node.output[0]) if name not in graph.sizes]
        if missing:
            unknown += missing
        elif node.op_type == "Softmax":
            softmax.append(math.prod(graph.sizes[node.output[0]]))
        else:
            counted[node.op_type] += _multiply_adds(node, graph.sizes)
    conv, matmul = counted["Conv"] + counted["ConvTranspose"], counted["MatMul"] + counted["Gemm"]
    return Work(conv, matmul, tuple(softmax), tuple(dict.fromkeys(unknown)))


def multiply_adds(model: onnx.ModelProto) -> int:
    """All of them, as ``work`` counts them."""
    totals = work(model)
    return totals.conv + totals.matmul


def multiply_adds_of_nodes(model: onnx.ModelProto) -> list[int]:
    """Those of each node of the model, in the graph's order; 0 where sizes are not known."""
    graph = _describe(model)
    return [
        _multiply_adds(node, graph.sizes)
        if node.op_type in _COUNTED and graph.sizes.keys() >= {*node.input[:2], node.output[0]}
        else 0
        for node in graph.nodes
    ]


def peak_activation_bytes(model: onnx.ModelProto) -> int:
    """The most bytes that activations take at once, when nodes run in order and tensors go after their last use.

    Inputs and outputs of the model count; weights, work space and gains by computing in place do not. What Reshape,
    Squeeze, Unsqueeze, Flatten and Identity give shares the memory of what they take.
    """
    graph = _describe(model)
    owner: dict[str, str] = {}
    for node in graph.nodes:
        for name in node.output:
            shares = node.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity")
            owner[name] = owner.get(node.input[0], node.input[0]) if shares else name
    last: dict[str, int] = {}
    for index, node in enumerate(graph.nodes):
        for name in (*node.input, *node.output):
            last[owner.get(name, name)] = index
    for value in model.graph.output:
        last[owner.get(value.name, value.name)] = len(graph.nodes)
    alive = sum(_bytes(graph, value.name) for value in model.graph.input if value.name not in graph.stored)
    peak, dying = alive, _by_last(last)
    for index, node in enumerate(graph.nodes):
        alive += sum(_bytes(graph, name) for name in node.output if owner[name] == name)
        peak = max(peak, alive)
        alive -= sum(_bytes(graph, name) for name in dying.get(index, ()))
    return peak


def layout_changes(model: onnx.ModelProto) -> int:
    """How often an engine that keeps images channels last has to rearrange a tensor.

    A Transpose counts, unless it is between N, C, H, W and N, H, W, C right at an operator on images: the engine has it
    in that order already. A Reshape of an image into something else, or of something else into an image, counts:
    its rows are channels first.
    Source: the AX650 engine is channel-last, "each Conv brings a Transpose in and out unless neighbours cancel".
    """
    graph = _describe(model)
    images: set[str] = set()
    changes = 0
    for node in graph.nodes:
        taken = [name for name in node.input if name and name not in graph.stored]
        from_image = any(name in images for name in taken)
        perm = next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), ())
        if node.op_type in IMAGE_OPERATORS:
            images.update(node.output)
        elif node.op_type == "Transpose" and perm == (0, 3, 1, 2):
            images.update(node.output)  # channels last in memory: nothing moves
        elif node.op_type == "Transpose" and perm == (0, 2, 3, 1) and from_image:
            continue
        elif node.op_type == "Transpose":
            changes += 1
        elif node.op_type in ("Reshape", "Flatten"):
            changes += from_image and not _is_flat(graph.sizes.get(taken[0], ()))
            later = {use.op_type for use in graph.nodes if node.output[0] in use.input}
            changes += bool(later & IMAGE_OPERATORS) and not from_image
        elif from_image and node.op_type in _ANY:
            images.update(node.output)
    return changes


def type_changes(model: onnx.ModelProto) -> int:
    """How many nodes change the element type, quantization included."""
    return sum(node.op_type in _TYPE for node in nodes(model))


def _describe(model: onnx.ModelProto) -> _Graph:
    import onnx
    from onnx import helper

    inferred = onnx.shape_inference.infer_shapes(bare(model), data_prop=True).graph
    sizes: dict[str, tuple[int, ...]] = {}
    width: dict[str, int] = {}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim):
            sizes[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
        if kind.elem_type:
            width[value.name] = helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize
    for tensor in inferred.initializer:
        sizes[tensor.name] = tuple(tensor.dims)
    for node in inferred.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            sizes[node.output[0]] = tuple(node.attribute[0].t.dims)
    stored = frozenset(tensor.name for tensor in inferred.initializer)
    return _Graph(list(inferred.node), sizes, width, stored)


def _multiply_adds(node: onnx.NodeProto, sizes: Mapping[str, tuple[int, ...]]) -> int:
    left, right, out = sizes[node.input[0]], sizes[node.input[1]], sizes[node.output[0]]
    if node.op_type == "Conv":
        return math.prod(out) * math.prod(right[1:])
    if node.op_type == "ConvTranspose":
        return math.prod(left) * math.prod(right[1:])
    turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)  # Gemm's
    return math.prod(out) * left[-2 if turned else -1]


def _bytes(graph: _Graph, name: str) -> int:
    return math.prod(graph.sizes.get(name, (0,))) * graph.width.get(name, 4) if name not in graph.stored else 0


def _by_last(last: Mapping[str, int]) -> dict[int, list[str]]:
    dying: dict[int, list[str]] = {}
    for name, index in last.items():
        dying.setdefault(index, []).append(name)
    return dying


def _is_flat(shape: tuple[int, ...]) -> bool:
    """Whether an image has only one place, so that channels first and last are the same."""
    return len(shape) == 4 and shape[2:] == (1, 1)
