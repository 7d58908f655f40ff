"""The layers of a model in blocks: parts of the network that keep 8 bits or get 16 together.

Use: ``blocks(model, modules_of(model))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.graph.cost import multiply_adds_of_nodes

if TYPE_CHECKING:
    import onnx

AT_MOST = 32
"""Blocks. A base transformer has twelve layers, with two parts each."""


@dataclass(frozen=True)
class Block:
    """A part of the network.

    Attributes:
        name: The module that it is; or, where layers lie in a module beside its parts, the module and ``(rest)``.
        module: The module that selects its layers in a recipe; ``None`` if only their names do.
        layers: The names of its layers, in the graph's order.
        multiply_adds: Of its layers.
        share: Of all multiply-adds of the model, 0..1.
    """

    name: str
    module: str | None
    layers: tuple[str, ...]
    multiply_adds: int
    share: float


def blocks(model: onnx.ModelProto, modules: Mapping[str, str], at_most: int = AT_MOST) -> list[Block]:
    """The blocks of a model, in the order of their first layers; each layer is in one of them.

    The tree of modules is opened from its root on, always at the module with the most multiply-adds (of equals the one
    with the most layers), until there are as many parts as there may be. So parts are of like cost, whatever the
    network is, and no part is a large share of the whole if it need not be. Layers of no known module are blocks of
    their own, as long as there are few enough of them, and else one.

    Args:
        model: Static shapes, a name for each node.
        modules: The innermost module of each layer, by the layer's name, as far as it is known.
        at_most: How many blocks to make.
    """
    costs = {node.name: cost for node, cost in zip(model.graph.node, multiply_adds_of_nodes(model), strict=True)}
    order = {name: i for i, name in enumerate(costs)}
    parts = {"": tuple(costs)}
    closed: dict[str, tuple[str, ...]] = {}
    while parts and len(parts) + len(closed) < at_most:
        largest = max(parts, key=lambda it: (sum(costs[name] for name in parts[it]), len(parts[it])))
        layers = parts.pop(largest)
        inside, rest = _opened(largest, layers, modules)
        if not inside or len(parts) + len(closed) + len(inside) + bool(rest) > at_most:
            closed[largest] = layers
            continue
        parts |= inside
        if rest:
            closed[f"{largest} (rest)"] = rest
    total = sum(costs.values()) or 1
    found = []
    for name, layers in (closed | parts).items():
        cost = sum(costs[layer] for layer in layers)
        selects = name in {path for layer in layers for path in _ancestors(modules.get(layer, ""))}
        found.append(Block(name or "(all)", name if selects else None, layers, cost, cost / total))
    return sorted(found, key=lambda block: order[block.layers[0]])


def _opened(
    path: str, layers: tuple[str, ...], modules: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The layers in each part of a module, and those that lie in none."""
    inside: dict[str, tuple[str, ...]] = {}
    rest: tuple[str, ...] = ()
    depth = len(path.split(".")) if path else 0
    for layer in layers:
        module = modules.get(layer, "")
        parts = module.split(".") if module else []
        if len(parts) > depth:
            part = ".".join(parts[: depth + 1])
            inside[part] = (*inside.get(part, ()), layer)
        else:
            rest = (*rest, layer)
    if not path and not inside:  # no module is known: each layer is a part
        return {layer: (layer,) for layer in layers}, ()
    return inside, rest


def _ancestors(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))] if module else []
