"""The type of each activation, and which share parameters.

- An operator's output has the type that the next operator's input has. A product of two activations takes both in S8
  (S16); a tensor is kept signed only if every use is such an input, else it stays unsigned, and those inputs get a
  copy.
- What only moves data has the type of what uses it, and shares scale and zero point with its input. Where the types
  differ (the moved tensor goes to products only, its source elsewhere, too) it is quantized anew.
- Of several widths the widest is stored, and the other uses get copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from recipebuild.toolkit.quantize.fusing import fused_input
from recipebuild.toolkit.quantize.numbers import BITS, SIGNED, Type
from recipebuild.toolkit.quantize.operators import UNTOUCHED, is_passive, is_product, role

if TYPE_CHECKING:
    import onnx

    from recipebuild.toolkit.quantize.precision import Precision
    from recipebuild.toolkit.quantize.view import View

_AS_SIGNED: Mapping[Type, Type] = {"U8": "S8", "U16": "S16"}


def moves(node: onnx.NodeProto, precision: Mapping[str, Precision]) -> bool:
    """Whether a node is passive; a Relu in float is not."""
    return is_passive(node.op_type) and precision[node.name].type != "FP32"


def taken(node: onnx.NodeProto, view: View, precision: Mapping[str, Precision]) -> Type:
    """The type in which a node that computes takes its activations."""
    asked = precision[node.name].type
    if is_product(node, view):
        return _AS_SIGNED.get(asked, asked)
    return "FP32" if stands_alone(node, view) else asked


def stands_alone(node: onnx.NodeProto, view: View) -> bool:
    """Whether it is a Concat with nothing before and behind it, which stays in float."""
    ends = {*view.inputs, *view.constants}
    return node.op_type == "Concat" and ends.issuperset(node.input) and not view.users.get(node.output[0])


def types(view: View, precision: Mapping[str, Precision], inside: frozenset[str]) -> dict[str, Type]:
    """The type in which each activation is stored; those ``inside`` a fused operator are not.

    A model's output has the type of the operator that gives it; what nothing computes with stays in float.
    """
    type_of: dict[str, Type] = {}
    for name in reversed(list(view.sizes)):
        if name in inside:
            continue
        wanted: set[Type] = {_own(name, view, precision, inside)} if name in view.outputs else set()
        for use in view.users.get(name, ()):
            if use.node.op_type in UNTOUCHED or role(use.node, use.position, view) != "data":
                continue
            if moves(use.node, precision):
                wanted |= {type_of[moved] for moved in use.node.output if moved in type_of}
            else:
                wanted.add(taken(use.node, view, precision))
        asked = _output(name, view, precision, inside)
        type_of[name] = asked or stored(wanted)
    return type_of


def stored(wanted: Iterable[Type]) -> Type:
    """The type of a tensor that is used in these."""
    kinds = set(wanted)
    if len(kinds) == 1:
        return kinds.pop()
    if not kinds or "FP32" in kinds:
        return "FP32"
    wide = max(BITS[kind] for kind in kinds) == 16
    if kinds <= SIGNED:
        return "S16" if wide else "S8"
    return "U16" if wide else "U8"


def groups(view: View, types: Mapping[str, Type], precision: Mapping[str, Precision]) -> dict[str, str]:
    """The first tensor of the group that each quantized activation belongs to."""
    first = {name: name for name in view.sizes if types.get(name, "FP32") != "FP32"}
    for node in view.nodes:
        if not moves(node, precision) or node.input[0] not in first:
            continue
        for moved in node.output:
            # A Relu whose input is inside of a fused operator is no mover: its input is not there.
            if moved in first and types[moved] == types[node.input[0]]:
                first[moved] = first[node.input[0]]
    return first


def _own(name: str, view: View, precision: Mapping[str, Precision], inside: frozenset[str]) -> Type:
    """The type of a model's output, by the node that computes it."""
    node = _maker(name, view, precision, inside)
    if node is None:
        return "U8"
    return "FP32" if stands_alone(node, view) else precision[node.name].type


def _output(name: str, view: View, precision: Mapping[str, Precision], inside: frozenset[str]) -> Type | None:
    """The ``output_data_type`` of the Conv that gives a tensor, if it has one."""
    node = view.producer.get(name)
    while node is not None and (fused := fused_input(node, inside)):
        node = view.producer[fused]
    return precision[node.name].output if node is not None else None


def _maker(name: str, view: View, precision: Mapping[str, Precision], inside: frozenset[str]) -> onnx.NodeProto | None:
    """The node that computes a tensor, before anything moved it."""
    node = view.producer.get(name)
    while node is not None and ((fused := fused_input(node, inside)) or moves(node, precision)):
        node = view.producer.get(fused or node.input[0])
    return node
