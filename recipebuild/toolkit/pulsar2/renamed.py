"""The names that the tool gave to layers: a model's -> those of the graph that it optimized.

``quantization.layers`` is resolved to names of the model that the tool is given, but ``layer_configs`` speak of
``frontend/optimized.onnx``, where what was fused or taken apart has names that the tool made up
(``op_414:onnx.FullyConnected_q_0``). Tensors keep theirs at the seams. So a part of the optimized graph between tensors
that both graphs know stands for the nodes between the same tensors of the model.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.layers import MOVES

if TYPE_CHECKING:
    import onnx


def renamed(
    layer_configs: Sequence[Mapping[str, Any]], model: onnx.ModelProto, optimized: onnx.ModelProto
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Layer configs that speak of the optimized graph, and what was renamed: a name, and the names in its place.

    A layer that nothing stands for, since it was optimized away, keeps its name; the tool ignores it.

    Args:
        layer_configs: As a configuration has them; only ``layer_name`` and ``layer_names`` are looked at.
        model: What the tool was given.
        optimized: What it made of it.

    Raises:
        StepError: If a name is neither in the one nor in the other.
    """
    there = {node.name for node in optimized.graph.node}
    own = {node.name for node in model.graph.node}
    stands_for: dict[str, list[str]] | None = None
    configs, changes = [], dict[str, list[str]]()
    for config in layer_configs:
        names = [*filter(None, [config.get("layer_name")]), *config.get("layer_names", ())]
        if all(name in there for name in names):
            configs.append(dict(config))
            continue
        now: list[str] = []
        for name in names:
            if name in there:
                now.append(name)
                continue
            if name not in own:
                raise _nothing(name, there | own)
            stands_for = _stands_for(model, optimized) if stands_for is None else stands_for
            if new := stands_for.get(name):
                changes[name] = new
            now += new or [name]
        rest = {key: value for key, value in config.items() if key not in ("layer_name", "layer_names")}
        configs.append({"layer_names": list(dict.fromkeys(now)), **rest})
    return configs, changes


def _nothing(name: str, known: Iterable[str]) -> StepError:
    close = difflib.get_close_matches(name, [one for one in known if one], 3)
    near = f"did you mean {' or '.join(close)}?" if close else "its names are those of frontend/optimized.onnx"
    return StepError(
        f"no layer is named {name}, neither in the model nor in what Pulsar2 made of it",
        field="quantization.layers",
        remedy=f"{near}\n`module:` chooses layers by PyTorch module or by names in model.onnx",
    )


def _stands_for(model: onnx.ModelProto, optimized: onnx.ModelProto) -> dict[str, list[str]]:
    """For each layer of the model the optimized layers in its place, those of its own operator if there are such."""
    makers = {tensor: node for node in model.graph.node for tensor in node.output}
    known = {tensor for node in optimized.graph.node for tensor in node.output if tensor in makers}
    names_of: dict[str, list[str]] = {}
    for part in _parts(optimized.graph.node, known):
        computing = [node for node in part if node.op_type not in MOVES] or part
        ends = [tensor for node in part for tensor in node.output if tensor in known]
        for layer in _between(ends, known, makers):
            alike = [node.name for node in computing if node.op_type == layer.op_type]
            names_of.setdefault(layer.name, []).extend(alike or [node.name for node in computing])
    return names_of


def _parts(nodes: Sequence[onnx.NodeProto], known: set[str]) -> list[list[onnx.NodeProto]]:
    """The nodes in parts: those that are connected by tensors which only the optimized graph has."""
    part_of: dict[str, list[onnx.NodeProto]] = {}  # by tensor that is not known
    parts: list[list[onnx.NodeProto]] = []
    for node in nodes:
        own = [tensor for tensor in (*node.input, *node.output) if tensor and tensor not in known]
        joined: list[list[onnx.NodeProto]] = []
        for part in (part_of[tensor] for tensor in own if tensor in part_of):
            if not any(part is other for other in joined):
                joined.append(part)
        merged = [one for part in joined for one in part] + [node]
        parts = [part for part in parts if not any(part is other for other in joined)] + [merged]
        # A constant that several layers share connects nothing: only what a node makes does.
        made = {tensor for one in merged for tensor in one.output if tensor not in known}
        part_of |= dict.fromkeys(made, merged)
    return parts


def _between(ends: Iterable[str], known: set[str], makers: Mapping[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The model's computing layers from these tensors back to others that the optimized graph knows."""
    waiting, seen = list(ends), set[str]()
    layers: list[onnx.NodeProto] = []
    starts = set(waiting)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or tensor not in makers or (tensor in known and tensor not in starts):
            continue
        seen.add(tensor)
        node = makers[tensor]
        if node.op_type not in MOVES and node.name:
            layers.append(node)
        waiting += node.input
    return layers
