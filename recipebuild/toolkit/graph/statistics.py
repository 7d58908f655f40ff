"""What is in an ONNX model: how many of which operators, how many parameters, which inputs and outputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.figures.operators import OperatorRow
from recipebuild.toolkit.graph.walk import graphs, nodes

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: Its name.
        dtype: The element type in NumPy's words, such as ``float32``.
        shape: Sizes; a name where one is symbolic, ``?`` where it is unknown. ``None`` if not even the rank is known.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The shape if every size in it is known and positive, else ``None``."""
        sizes = tuple(size for size in self.shape or () if isinstance(size, int) and size > 0)
        return sizes if self.shape is not None and len(sizes) == len(self.shape) else None

    def __str__(self) -> str:
        shape = "of unknown shape" if self.shape is None else "x".join(map(str, self.shape)) or "scalar"
        return f"{self.name} ({self.dtype} {shape})"


def inputs(model: onnx.ModelProto) -> list[Tensor]:
    """What the model must be fed; initializers that old models list as inputs are none."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return _tensors(value for value in model.graph.input if value.name not in stored)


def outputs(model: onnx.ModelProto) -> list[Tensor]:
    """What the model gives, in its order."""
    return _tensors(model.graph.output)


def operator_counts(model: onnx.ModelProto) -> dict[str, int]:
    """How many nodes of each operator, subgraphs included, sorted by name."""
    return dict(sorted(Counter(node.op_type for node in nodes(model)).items()))


def operators_and_constants(model: onnx.ModelProto) -> Counter[str]:
    """How many of each operator there are.

    ``Constant`` counts initializers along with Constant nodes: which of the two holds a value says nothing.
    """
    initializers = sum(len(graph.initializer) for graph in graphs(model.graph))
    return Counter(operator_counts(model)) + Counter(Constant=initializers)


def operator_table(before: Counter[str], after: Counter[str]) -> list[OperatorRow]:
    """The rows ``{"op", "before", "after"}`` that onnxsim's command prints, sorted by operator.

    Args:
        before: What ``operators_and_constants`` gives of one model.
        after: And of the other.
    """
    return [{"op": op, "before": before[op], "after": after[op]} for op in sorted(before.keys() | after.keys())]


def parameters(model: onnx.ModelProto) -> int:
    """The number of elements in all initializers."""
    return sum(math.prod(tensor.dims) for graph in graphs(model.graph) for tensor in graph.initializer)


def _tensors(values: Iterable[onnx.ValueInfoProto]) -> list[Tensor]:
    return [Tensor(value.name, _dtype(value), _shape(value)) for value in values]


def _dtype(value: onnx.ValueInfoProto) -> str:
    from onnx import helper

    try:
        return str(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
    except KeyError:  # not a tensor: a sequence, an optional
        return str(value.type.WhichOneof("value") or "unknown")


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...] | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        size.dim_value if size.HasField("dim_value") else size.dim_param or "?"
        for size in value.type.tensor_type.shape.dim
    )
