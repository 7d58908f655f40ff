"""Which precision each layer is asked to have: Pulsar2's ``layer_configs`` on the nodes of a graph.

Selectors are ``layer_name(s)``, ``op_type(s)``, or ``start_tensor_names`` with ``end_tensor_names``, where ``DEFAULT``
is the model's inputs or outputs. A name wins over an operator, an operator over a part of the graph; of equals the
last. FP32 is for nine operators only, ``output_data_type`` and ``weight_data_type`` for Conv, and what only moves data
follows what uses it: all else that is asked for has no effect, there in silence, here told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.layers import MOVES
from recipebuild.toolkit.quantize.numbers import Type
from recipebuild.toolkit.quantize.operators import FLOAT, is_passive

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.view import View

_DEFAULT = "DEFAULT"


@dataclass(frozen=True)
class Precision:
    """What a node computes in.

    Attributes:
        type: Of its activations. For a product of two activations the signed type of that width.
        output: Of a Conv's output, if it is to be another than the next operator's.
        weight: Of a Conv's weights.
        asked: By what: ``layer_name``, ``op_type`` or ``subgraph``; empty for the default.
    """

    type: Type = "U8"
    output: Type | None = None
    weight: Type = "S8"
    asked: str = ""


@dataclass(frozen=True)
class Dropped:
    """Something that was asked for and has no effect.

    Attributes:
        what: A layer's name, an operator or a tensor.
        asked: What for.
        reason: Why it has none.
    """

    what: str
    asked: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: asked for {self.asked}, but {self.reason}"


def precisions(
    view: View, layer_configs: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Precision], tuple[Dropped, ...]]:
    """The precision of each node, by name; and what was asked for in vain.

    Args:
        view: The graph.
        layer_configs: As Pulsar2's configuration has them, with ``data_type`` and the selectors above.
    """
    config_of: dict[str, tuple[int, Mapping[str, Any]]] = {}
    dropped: list[Dropped] = []
    for config in layer_configs:
        for level, (names, missing) in enumerate(_selected(view, config)):
            dropped += [Dropped(name, str(config["data_type"]), "the model has none") for name in missing]
            for name in names:
                if name not in config_of or config_of[name][0] <= level:
                    config_of[name] = (level, config)
    by_node: dict[str, Precision] = {}
    for node in view.nodes:
        level, config = config_of.get(node.name, (0, {}))
        by_node[node.name], lost = _effective(node, config, level)
        dropped += lost
    return by_node, tuple(dropped)


def _selected(view: View, config: Mapping[str, Any]) -> Iterator[tuple[list[str], list[str]]]:
    """What a config selects, and which of its names there are none of: as a part, by operator, by name."""
    starts, ends = _listed(config, "start_tensor_names"), _listed(config, "end_tensor_names")
    known = {_DEFAULT, *view.producer, *view.users}
    missing = [name for name in (*starts, *ends) if name not in known]
    yield _between(view, starts, ends) if starts and not missing else [], missing
    operators = [*_listed(config, "op_type"), *_listed(config, "op_types")]
    used = {node.op_type for node in view.nodes}
    yield (
        [node.name for node in view.nodes if node.op_type in operators],
        [name for name in operators if name not in used],
    )
    names = [*_listed(config, "layer_name"), *_listed(config, "layer_names")]
    there = {node.name for node in view.nodes}
    yield [name for name in names if name in there], [name for name in names if name not in there]


def _between(view: View, starts: Sequence[str], ends: Sequence[str]) -> list[str]:
    """The nodes on ways from one of the tensors ``starts`` to one of ``ends``."""
    after = set(view.inputs if _DEFAULT in starts else starts)
    for node in view.nodes:
        if after.intersection(node.input):
            after.update(node.output)
    before = set(view.outputs if _DEFAULT in ends else ends)
    for node in reversed(view.nodes):
        if before.intersection(node.output):
            before.update(node.input)
    return [node.name for node in view.nodes if after.intersection(node.input) and before.intersection(node.output)]


def _effective(node: onnx.NodeProto, config: Mapping[str, Any], level: int) -> tuple[Precision, list[Dropped]]:
    """What of a config a node really takes on."""
    if not config:
        return Precision(), []
    asked, output, weight = (config.get(key) for key in ("data_type", "output_data_type", "weight_data_type"))
    lost: list[Dropped] = []
    if asked == "FP32" and node.op_type not in FLOAT:
        lost.append(Dropped(node.name, "FP32", f"{node.op_type} cannot be in float: it stays U8"))
        asked = "U8"
    elif is_passive(node.op_type) and not (asked == "FP32" and node.op_type == "Relu"):
        if node.op_type in MOVES:
            lost.append(Dropped(node.name, str(asked), f"{node.op_type} only moves data: it follows what uses it"))
        asked = "U8"
    for kind, what in ((output, "output_data_type"), (weight, "weight_data_type")):
        if kind and node.op_type != "Conv":
            lost.append(Dropped(node.name, f"{what} {kind}", f"that is for Conv, not for {node.op_type}"))
    conv = node.op_type == "Conv"
    by = ("subgraph", "op_type", "layer_name")[level]
    precision = Precision(asked or "U8", output if conv else None, (weight if conv else None) or "S8", by)
    return precision, lost if level else []  # a part of the graph holds what cannot follow, and nobody named it


def _listed(config: Mapping[str, Any], key: str) -> list[str]:
    value = config.get(key) or ()
    return [value] if isinstance(value, str) else list(value)
