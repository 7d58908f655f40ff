"""A float model made fit for quantization, and what there is to quantize in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.graph.statistics import inputs

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.calibration.spec import ImageSpec

_OPSET = 13
"""The first in which QuantizeLinear and DequantizeLinear have an axis, so that there can be a scale per channel."""

_WIDE_OPSET = 21

_REARRANGE = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators whose output holds the values of their first input, each as often."""


def prepare(model: onnx.ModelProto, spec: ImageSpec | None, *, wide: bool = False) -> onnx.ModelProto:
    """The model at opset 13 or newer, constants stored, with a name for each node and types and shapes of all tensors.

    Nodes are in topological order, as ONNX demands and not every tool cares for.
    A division by a constant is a multiplication by its reciprocal, as Pulsar2 makes it.

    Args:
        model: In float32.
        spec: The image that it is fed; ``None`` for a model of any inputs, which is fed mappings by name.
        wide: Whether there will be 16-bit types, which QuantizeLinear has from opset 21 on.

    Raises:
        StepError: If it does not take the one input that ``spec`` describes, computes in float16 or bfloat16, or has an
            operator that cannot be brought to opset 13.
    """
    import onnx

    if spec is not None:
        _check_input(model, spec)
    ordered = onnx.ModelProto()
    ordered.CopyFrom(model)
    _sort(ordered.graph)
    prepared = onnx.shape_inference.infer_shapes(_at_opset(ordered, _WIDE_OPSET if wide else _OPSET), data_prop=True)
    _store_constants(prepared.graph)
    _multiply_by_reciprocals(prepared.graph)
    for value in prepared.graph.value_info:
        if value.type.tensor_type.elem_type in (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16):
            raise StepError(
                f"the tensor {value.name} has 16-bit floating-point numbers", remedy="quantize the model in float32"
            )
    taken = set()
    for number, node in enumerate(prepared.graph.node):  # a plan tells nodes apart by name
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}_{number}"
        taken.add(node.name)
    return prepared


def activations(model: onnx.ModelProto) -> dict[str, int | None]:
    """The float32 tensors that are computed or fed, in the graph's order, with their number of elements if known."""
    import onnx

    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    counts: dict[str, int | None] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if kind.elem_type == onnx.TensorProto.FLOAT and value.name not in stored:
            counts[value.name] = _elements(kind)
    computed = [name for node in graph.node for name in node.output]
    return {name: counts[name] for name in (*(value.name for value in graph.input), *computed) if name in counts}


def measured_at(model: onnx.ModelProto) -> dict[str, str]:
    """For each activation, the one that holds the same values and is to be measured: most often itself.

    What a Reshape or Transpose gives needs no measuring of its own.
    """
    names = activations(model)
    same = dict(zip(names, names, strict=True))
    for node in model.graph.node:  # in topological order: an input's own source is known
        if node.op_type in _REARRANGE and node.input[0] in same and node.output[0] in same:
            same[node.output[0]] = same[node.input[0]]
    return same


def _check_input(model: onnx.ModelProto, spec: ImageSpec) -> None:
    expected = f"{spec.name} (float32 {'x'.join(map(str, spec.shape))})"
    tensors = inputs(model)
    fits = len(tensors) == 1 and tensors[0].name == spec.name and tensors[0].dtype == "float32"
    shape = tensors[0].shape if fits else None
    if shape is not None:
        fits = len(shape) == 4 and all(
            isinstance(size, str) or size == wanted for size, wanted in zip(shape, spec.shape, strict=True)
        )
    if not fits:
        raise StepError(
            f"the model takes {', '.join(map(str, tensors)) or 'no input'}, not {expected}",
            remedy="give input.name and input.shape as the model has them",
        )


def _at_opset(model: onnx.ModelProto, wanted: int) -> onnx.ModelProto:
    import onnx

    opset = opset_of(model)
    if opset == 0 or opset >= wanted:
        return model
    try:
        return onnx.version_converter.convert_version(model, wanted)
    except Exception as error:  # the converter's C++ code raises RuntimeError and more
        raise StepError(
            f"the model has opset {opset}, which cannot be brought to {wanted}: {reason(error)}",
            remedy=f"set export.opset to {wanted} or more",
        ) from error


def _sort(graph: onnx.GraphProto) -> None:
    """Put each node behind those that it needs; one that is there already stays where it is."""
    nodes = list(graph.node)
    producer = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    order: dict[int, None] = {}
    waiting = list(reversed(range(len(nodes))))
    while waiting:
        index = waiting[-1]
        needed = [producer[name] for name in nodes[index].input if name in producer and producer[name] not in order]
        if index in order or not needed:
            order[waiting.pop()] = None
        else:
            waiting += needed
    if list(order) != sorted(order):
        ordered = [nodes[index] for index in order]
        del graph.node[:]
        graph.node.extend(ordered)


def _store_constants(graph: onnx.GraphProto) -> None:
    """Make Constant nodes initializers: the quantizer would take what they give for activations."""
    constants = [
        node
        for node in graph.node
        if node.op_type == "Constant" and [attribute.name for attribute in node.attribute] == ["value"]
    ]
    for node in constants:
        graph.initializer.append(node.attribute[0].t)
        graph.initializer[-1].name = node.output[0]
        graph.node.remove(node)


def _multiply_by_reciprocals(graph: onnx.GraphProto) -> None:
    import numpy as np
    from onnx import numpy_helper

    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        divisor = stored.get(node.input[1]) if node.op_type == "Div" else None
        if divisor is None or node.input[0] in stored:
            continue
        values = numpy_helper.to_array(divisor)
        if values.dtype == np.float32 and values.all():
            name = f"{divisor.name}_reciprocal"
            if name not in stored:
                stored[name] = numpy_helper.from_array(np.asarray(1 / values, np.float32), name)
                graph.initializer.append(stored[name])
            node.op_type = "Mul"
            node.input[1] = name


def _elements(kind: onnx.TypeProto.Tensor) -> int | None:
    """The product of the sizes, if all are known."""
    count = 1
    for dimension in kind.shape.dim:
        if not dimension.HasField("dim_value"):
            return None
        count *= dimension.dim_value
    return count if kind.HasField("shape") else None
