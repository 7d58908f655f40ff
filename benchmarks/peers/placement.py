"""Where a quantizer put codes: how many tensors of a QDQ model have them, and which operators stay in float.

Counted is what an integer kernel would see. Operators that lay a tensor out anew (Reshape, Transpose, Slice and the
like) make no tensor of their own, nor do a bias or a Relu behind an operator, which its accumulator takes along.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYOUT = {"Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split"}
BEHIND = {"Relu", "Clip"}
PRODUCTS = {"Conv", "ConvTranspose", "MatMul", "Gemm"}


@dataclass(frozen=True)
class Placement:
    """What was counted.

    Attributes:
        tensors: How many activation tensors there are.
        coded: How many of them a QuantizeLinear takes.
        in_float: Operators of which an activation input comes from no DequantizeLinear, by type.
    """

    tensors: int
    coded: int
    in_float: Counter[str]


def placement(model: Path) -> Placement:
    """Count in the ONNX model at ``model``."""
    import onnx

    return count(onnx.load(model).graph)


def count(graph: Any) -> Placement:
    """Count in an ``onnx.GraphProto``, whose nodes are in an order in which they can run."""
    constants = {tensor.name for tensor in graph.initializer}
    tensors = {value.name for value in graph.input} - constants
    roots: dict[str, str] = {}
    """Of an activation, the tensor of which it is the codes, the same values laid out anew, or the sum with a bias."""
    products: set[str] = set()
    dequantized: set[str] = set()
    coded: set[str] = set()
    in_float: Counter[str] = Counter()
    for node in graph.node:
        taken = [name for name in node.input if name and name not in constants]
        if not taken:
            constants |= set(node.output)
            continue
        root = roots.get(taken[0], taken[0])
        bias = node.op_type == "Add" and len(taken) == 1 and root in products
        if node.op_type.endswith("DequantizeLinear"):
            dequantized |= set(node.output)
        elif node.op_type.endswith("QuantizeLinear"):
            coded.add(root)
        elif node.op_type in LAYOUT | BEHIND and taken[0] in dequantized:
            dequantized |= set(node.output)
        elif not (node.op_type in LAYOUT | BEHIND or bias):
            tensors |= {name for name in node.output if name}
            products |= set(node.output) if node.op_type in PRODUCTS else set()
            in_float[node.op_type] += not dequantized.issuperset(taken)
            continue
        roots |= dict.fromkeys(node.output, root)
    return Placement(len(tensors), len(coded), +in_float)
