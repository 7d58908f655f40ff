"""Which tensor of a quantized model stands for which tensor of the float model.

Use: ``find_twins(model, quantized)["conv_out"].seen``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

CODES = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""The operators that quantize and dequantize: everything between others."""

_CLIPS = frozenset({"Clip", "Relu"})
"""Activations that a quantizer leaves out, as the clipping to the codes' range does their work."""


@dataclass(frozen=True)
class Twin:
    """A float tensor and what became of it.

    Attributes:
        tensor: Its name in the float model.
        values: The float tensor whose values the quantized model means by it: ``tensor`` itself, or what comes out of
            the Relu behind it, if the quantizer left that out.
        raw: In the quantized model, what the layer gives.
        seen: In the quantized model, what the layers behind it take: ``raw`` after quantizing and dequantizing, or
            ``raw`` itself where nothing quantizes it. Where layers take it in different codes, that of the first.
    """

    tensor: str
    values: str
    raw: str
    seen: str


def find_twins(model: onnx.ModelProto, quantized: onnx.ModelProto) -> dict[str, Twin]:
    """The twin of each tensor that the float model computes or is fed, by its name, in the graph's order.

    Tensors are matched by name, which quantizers keep: where a graph's output is quantized, the name stays with what
    comes out of the last DequantizeLinear. What has no twin is left out.
    """
    producers = {name: node for node in quantized.graph.node for name in node.output}
    first_code = {node.input[0]: node for node in reversed(quantized.graph.node) if node.op_type in CODES}
    known = {value.name for value in quantized.graph.input} | producers.keys()
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    stored = {tensor.name for tensor in model.graph.initializer}
    fed = [value.name for value in model.graph.input if value.name not in stored]
    twins = {}
    for name in (*fed, *(name for node in model.graph.node for name in node.output)):
        if name not in known:
            continue
        raw = stem(name, producers)
        seen = name
        while (code := first_code.get(seen)) is not None:
            seen = code.output[0]
        behind = users.get(name, [])
        gone = len(behind) == 1 and behind[0].op_type in _CLIPS and behind[0].output[0] not in known
        twins[name] = Twin(name, behind[0].output[0] if gone else name, raw, seen)
    return twins


def stem(name: str, producers: dict[str, onnx.NodeProto]) -> str:
    """What is quantized and dequantized to give ``name``; ``name`` itself if nothing is."""
    while (node := producers.get(name)) is not None and node.op_type in CODES:
        name = node.input[0]
    return name
