"""A Gemm becomes MatMul and Add, so that what surrounds it can be of any rank.

    Gemm(x, W, b)  =  alpha * x W + beta * b

alpha and beta go into W and b. Where W is computed, b is a row [1, N].

Evidence: Pulsar2 takes no Gemm of a W that is computed, and makes one again of MatMul and the Add of a vector, but not
of a row (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """The Gemm."""

    gemm: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Gemm."""
    return Match(node) if node.op_type == "Gemm" and node.domain == "" else None


def check(match: Match) -> str | None:
    """The other operand is not transposed, the bias a constant vector; a weight that is computed is not scaled."""
    gemm = match.gemm
    x, weight, *rest = gemm.inputs
    bias = array(rest[0]) if rest else None
    if attribute(gemm, "transA", 0):
        return "Gemm transposes its first matrix"
    if array(weight) is None and (attribute(gemm, "alpha", 1.0) != 1 or attribute(gemm, "beta", 1.0) != 1):
        return "Gemm scales a weight that is computed"
    if rest and (bias is None or bias.ndim != 1):
        return "the bias of Gemm is not a constant vector"
    if sizes(x) is None or sizes(weight) is None:
        return "the shapes of Gemm are not known"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Put MatMul and Add in its place."""
    gemm = match.gemm
    x, kept = sure(gemm.inputs[0]), sure(gemm.inputs[1])
    rest = gemm.inputs[2:]
    weight, bias = array(kept), array(rest[0]) if rest else None
    alpha, beta = attribute(gemm, "alpha", 1.0), attribute(gemm, "beta", 1.0)
    turned = bool(attribute(gemm, "transB", 0))
    if weight is None:
        kept = edit.transpose(kept, (1, 0), before=gemm) if turned else kept
    elif turned or alpha != 1:
        weight = weight.T if turned else weight
        kept = edit.constant((weight * weight.dtype.type(alpha)).copy(), f"{kept.name}_matrix")
    shape = (*(sizes(x) or ())[:-1], sure(sizes(kept))[1])
    out = edit.add("MatMul", [x, kept], shape, before=gemm)
    if bias is not None and rest[0] is not None:
        held = rest[0]
        if beta != 1:
            held = edit.constant(bias * bias.dtype.type(beta), f"{held.name}_beta")
        elif weight is None:
            held = edit.constant(bias[None], f"{held.name}_row")
        out = edit.add("Add", [out, held], shape, before=gemm)
    edit.replace(gemm.outputs[0], out)
