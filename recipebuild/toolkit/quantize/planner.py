"""Graph -> plan.   Use: ``planned(model, [{"op_type": "Softmax", "data_type": "U16"}])``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.toolkit.quantize import fusing, sharing
from recipebuild.toolkit.quantize.constants import biases, constants
from recipebuild.toolkit.quantize.operators import is_product, role
from recipebuild.toolkit.quantize.plan import Group, Place, QuantizationPlan, Stored, Use
from recipebuild.toolkit.quantize.precision import Precision, precisions
from recipebuild.toolkit.quantize.view import View, view

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.numbers import Type

ConvBias = Literal["S32", "FP32"]
LayerNormScale = Literal["FP32", "S32", "U32"]


def planned(
    model: onnx.ModelProto,
    layer_configs: Iterable[Mapping[str, Any]] = (),
    *,
    conv_bias: ConvBias = "S32",
    layer_norm_scale: LayerNormScale = "FP32",
) -> QuantizationPlan:
    """Which tensor gets which parameters, and why.

    Args:
        model: What ``prepare`` gives.
        layer_configs: Precisions other than U8, in Pulsar2's words.
        conv_bias: The type of Conv's biases.
        layer_norm_scale: The type of LayerNormalization's scale; U32 is computed as S32: both are finer than float32.
    """
    graph = view(model)
    precision, dropped = precisions(graph, layer_configs)
    sums, relus = fusing.biases(graph, precision), fusing.relus(graph, precision)
    inside = frozenset((*sums, *relus))
    types = sharing.types(graph, precision, inside)
    first = sharing.groups(graph, types, precision)
    stored = {
        name: Stored(name, first.get(name), _why_stored(graph, name, types[name], first, inside))
        for name in graph.sizes
        if name in types
    }
    uses, copies = _uses(graph, precision, types, first)
    members: dict[str, list[str]] = {}
    for name, group in first.items():
        members.setdefault(group, []).append(name)
    groups = {name: Group(name, types[name], tuple(those)) for name, those in members.items()} | copies
    at_sums = frozenset((add.name, position) for add, position in sums.values())
    kept = constants(graph, precision, at_sums, layer_norm_scale)
    return QuantizationPlan(groups, stored, uses, kept, biases(graph, sums, kept, conv_bias), precision, dropped)


def _uses(
    graph: View, precision: Mapping[str, Precision], types: Mapping[str, Type], first: Mapping[str, str]
) -> tuple[dict[Place, Use], dict[str, Group]]:
    """How each operator takes its activations, and the copies that this needs."""
    uses: dict[Place, Use] = {}
    copies: dict[str, Group] = {}
    for node in graph.nodes:
        for position, name in enumerate(node.input):
            if name not in types or role(node, position, graph) != "data":
                continue
            moves = sharing.moves(node, precision)
            kind = types[name] if moves else sharing.taken(node, graph, precision)
            group, rule = first.get(name), _why_used(node, graph, kind, moves=moves)
            if kind not in (types[name], "FP32"):
                group, rule = f"{name}@{kind}", f"{rule}; a copy, as it is stored in {types[name]}"
                copies[group] = Group(group, kind, (name,))
            uses[node.name, position] = Use(node.name, position, name, group, rule)
    return uses, copies


def _why_used(node: onnx.NodeProto, graph: View, kind: Type, *, moves: bool) -> str:
    if moves:
        return f"{node.op_type} moves it as it is"
    if is_product(node, graph):
        return f"product of two activations: {kind}, symmetric"
    return f"{node.op_type} takes {kind}"


def _why_stored(graph: View, name: str, kind: Type, first: Mapping[str, str], inside: frozenset[str]) -> str:
    if kind == "FP32":
        return "in float"
    if first[name] != name:
        return f"shares the parameters of {first[name]}"
    producer = graph.producer.get(name)
    if producer is not None and (fused := fusing.fused_input(producer, inside)):
        maker = graph.producer[fused]
        return f"{maker.op_type} and {producer.op_type} are one: the range behind both"
    return f"{kind}, as what uses it takes it" if graph.users.get(name) else f"{kind}, as what gives it"
