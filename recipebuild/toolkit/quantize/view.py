"""A prepared model, asked about its tensors: who makes them, who takes them, which are constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.prepare import activations

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Taken:
    """An input of a node: its position, and what is taken."""

    node: onnx.NodeProto
    position: int


@dataclass(frozen=True)
class View:
    """What the rules ask.

    Attributes:
        nodes: In topological order.
        inputs: What the model is fed.
        outputs: What the model gives.
        sizes: Of each float activation the number of elements, if known, in the graph's order.
        shapes: Of each tensor whose rank is known; 0 for a size that is not.
        constants: What is stored in float32, by name.
        producer: The node that computes a tensor.
        users: All inputs that take a tensor, in order.
    """

    nodes: tuple[onnx.NodeProto, ...]
    inputs: tuple[str, ...]
    outputs: frozenset[str]
    sizes: Mapping[str, int | None]
    shapes: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, onnx.TensorProto]
    producer: Mapping[str, onnx.NodeProto]
    users: Mapping[str, tuple[Taken, ...]]

    def is_live(self, name: str) -> bool:
        """Whether it is a float activation."""
        return name in self.sizes

    def rank(self, name: str) -> int | None:
        """How many axes a tensor has, if that is known."""
        return len(self.shapes[name]) if name in self.shapes else None

    def only_user(self, name: str) -> Taken | None:
        """The one input that takes a tensor, if there is no other and the model does not give it."""
        users = self.users.get(name, ())
        return users[0] if len(users) == 1 and name not in self.outputs else None


def view(model: onnx.ModelProto) -> View:
    """What there is to ask of a model that ``prepare`` gave."""
    import onnx

    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    users: dict[str, list[Taken]] = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name:
                users.setdefault(name, []).append(Taken(node, position))
    known = [
        value for value in (*graph.input, *graph.value_info, *graph.output) if value.type.tensor_type.HasField("shape")
    ]
    return View(
        nodes=tuple(graph.node),
        inputs=tuple(value.name for value in graph.input if value.name not in stored),
        outputs=frozenset(value.name for value in graph.output),
        sizes=activations(model),
        shapes={value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim) for value in known}
        | {name: tuple(tensor.dims) for name, tensor in stored.items()},
        constants={name: tensor for name, tensor in stored.items() if tensor.data_type == onnx.TensorProto.FLOAT},
        producer={name: node for node in graph.node for name in node.output if name},
        users={name: tuple(taken) for name, taken in users.items()},
    )
