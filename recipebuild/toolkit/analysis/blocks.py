"""The layers of a model in blocks: parts of the network that keep 8 bits or get 16 together.

Use: ``for block in blocks(model, modules_of(model), 16): finer = opened(block)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.cost import multiply_adds_of_nodes
from recipebuild.toolkit.graph.layers import MOVES

if TYPE_CHECKING:
    import onnx

REST = " (rest)"


@dataclass(frozen=True)
class NetworkLayer:
    """A node of the graph.

    Attributes:
        name: Its name.
        module: The innermost module that it lies in; empty if that is not known.
        share: Of all multiply-adds of the model, 0..1.
    """

    name: str
    module: str
    share: float


@dataclass(frozen=True)
class NetworkBlock:
    """A part of the network.

    Attributes:
        name: The module that it is; with ``(rest)``, the layers in a module beside its parts; or a layer's own name.
        module: The module that selects its layers; ``None`` if only their names do.
        members: Its layers, in the graph's order.
    """

    name: str
    module: str | None
    members: tuple[NetworkLayer, ...] = field(repr=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of its layers."""
        return tuple(layer.name for layer in self.members)

    @property
    def share(self) -> float:
        """Of all multiply-adds of the model, 0..1."""
        return sum(layer.share for layer in self.members)


def blocks(model: onnx.ModelProto, modules: Mapping[str, str], at_most: int) -> list[NetworkBlock]:
    """The blocks of a model, in the order of their first layers; each layer that computes is in one of them.

    The tree of modules is opened from its root on, always at the part with the most multiply-adds (of equals the one
    with the most layers), until there are as many parts as there may be. So parts are of like cost, whatever the
    network is.

    Args:
        model: Static shapes, a name for each node.
        modules: The innermost module of each layer, by the layer's name, as far as it is known.
        at_most: How many blocks to make.
    """
    costs = multiply_adds_of_nodes(model)
    total = sum(costs) or 1
    layers = [
        NetworkLayer(node.name, modules.get(node.name, ""), cost / total)
        for node, cost in zip(model.graph.node, costs, strict=True)
        if node.op_type not in MOVES
    ]
    open_ = [NetworkBlock("(all)", None, tuple(layers))]
    closed: list[NetworkBlock] = []
    while open_ and len(open_) + len(closed) < at_most:
        largest = max(open_, key=lambda block: (block.share, len(block.members)))
        open_.remove(largest)
        parts = opened(largest)
        if len(parts) < 2 or len(open_) + len(closed) + len(parts) > at_most:
            closed.append(largest)
        else:
            open_ += parts
    return in_order(model, [*closed, *open_])


def opened(block: NetworkBlock) -> list[NetworkBlock]:
    """The parts of a block: modules, or single layers where there are none inside it; itself if it is one layer."""
    if len(block.members) == 1:
        return [block]
    depth = len(_common([layer.module.split(".") for layer in block.members]))
    inside: dict[str, list[NetworkLayer]] = {}
    for layer in block.members:
        path = layer.module.split(".") if layer.module else []
        inside.setdefault(".".join(path[: depth + 1]), []).append(layer)
    here = ".".join(block.members[0].module.split(".")[:depth])
    if block.name.endswith(REST) or list(inside) == [here]:
        return [NetworkBlock(layer.name, None, (layer,)) for layer in block.members]
    return [
        NetworkBlock(f"{here or '(no module)'}{REST}", None, tuple(layers))
        if path == here
        else NetworkBlock(path, path, tuple(layers))
        for path, layers in inside.items()
    ]


def in_order(model: onnx.ModelProto, groups: Iterable[NetworkBlock]) -> list[NetworkBlock]:
    """Blocks in the order of their first layers."""
    order = {node.name: number for number, node in enumerate(model.graph.node)}
    return sorted(groups, key=lambda block: order[block.members[0].name])


def _common(paths: list[list[str]]) -> list[str]:
    """What all paths begin with."""
    first = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1 or not parts[0]:
            break
        first.append(parts[0])
    return first
