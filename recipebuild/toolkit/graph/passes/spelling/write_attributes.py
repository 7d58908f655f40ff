"""Attributes that are left out get the value that ONNX's specification gives them.

    LeakyRelu(x) = LeakyRelu(x, alpha = 0.01)

Evidence: Pulsar2 does not apply ONNX's defaults and stops with, say, `convert error: 'alpha'`: Elu, LeakyRelu, TopK,
ConvTranspose (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.edit import Edit, sizes

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``node`` lacks these attributes."""

    node: ir.Node
    missing: Mapping[str, Any]


def pattern(node: ir.Node) -> Match | None:
    """An operator of ONNX's own, and what it leaves out."""
    if node.domain not in ("", "ai.onnx") or node.graph is None:
        return None
    missing = {name: value for name, value in _defaults(node).items() if name not in node.attributes}
    return Match(node, missing) if missing else None


def check(match: Match) -> str | None:
    """Always: they are the values that hold anyway."""
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Write them."""
    import onnx_ir as ir

    for attribute in ir.convenience.convert_attributes(match.missing):
        match.node.attributes.add(attribute)


def _defaults(node: ir.Node) -> dict[str, Any]:
    """The specification's values, and for kernels those that follow from the weight's shape."""
    import onnx

    opset = node.version or (node.graph.opset_imports.get("", 1) if node.graph is not None else 1)
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
    except onnx.defs.SchemaError:
        return {}
    values = {
        name: onnx.helper.get_attribute_value(attr.default_value)
        for name, attr in sorted(schema.attributes.items())
        if attr.default_value.name
    }
    values = {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
    weight = sizes(node.inputs[1]) if node.op_type in ("Conv", "ConvTranspose") else None
    if weight is not None:
        places = len(weight) - 2
        values |= {"strides": [1] * places, "dilations": [1] * places, "kernel_shape": list(weight[2:])}
        if node.attributes.get("auto_pad") is None or node.attributes["auto_pad"].value == "NOTSET":
            values["pads"] = [0] * (2 * places)
    return values
