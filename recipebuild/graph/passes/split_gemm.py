"""A Gemm of a constant matrix becomes MatMul and Add, so that what surrounds it can be of any rank.

    Gemm(x, W, b)  =  alpha * x W + beta * b

alpha and beta go into W and b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.graph.edit import Edit, array, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

WHY = "Gemm takes matrices only, and costs a Reshape before and after; ONNX Runtime makes Gemms again where they pay"


@dataclass(frozen=True)
class Match:
    """The Gemm."""

    gemm: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Gemm."""
    return Match(node) if node.op_type == "Gemm" and node.domain == "" else None


def check(match: Match) -> bool:
    """Weight and bias are constants, the bias a vector, and the other operand is not transposed."""
    gemm = match.gemm
    held = [array(value) for value in gemm.inputs[1:]]
    return (
        not attribute(gemm, "transA", 0)
        and all(it is not None for it in held)
        and (len(held) == 1 or (held[1] is not None and held[1].ndim == 1))
        and sizes(gemm.inputs[0]) is not None
    )


def rewrite(edit: Edit, match: Match) -> None:
    """Put MatMul and Add in its place."""
    gemm = match.gemm
    x, kept = sure(gemm.inputs[0]), sure(gemm.inputs[1])
    rest = gemm.inputs[2:]
    weight, bias = sure(array(kept)), array(rest[0]) if rest else None
    alpha, beta = attribute(gemm, "alpha", 1.0), attribute(gemm, "beta", 1.0)
    if attribute(gemm, "transB", 0) or alpha != 1:
        weight = weight.T if attribute(gemm, "transB", 0) else weight
        kept = edit.constant((weight * weight.dtype.type(alpha)).copy(), f"{kept.name}_matrix")
    shape = (*(sizes(x) or ())[:-1], weight.shape[1])
    out = edit.add("MatMul", [x, kept], shape, before=gemm)
    if bias is not None and rest[0] is not None:
        held = rest[0] if beta == 1 else edit.constant(bias * bias.dtype.type(beta), f"{rest[0].name}_beta")
        out = edit.add("Add", [out, held], shape, before=gemm)
    edit.replace(gemm.outputs[0], out)
