"""The guard behind Softmax, for rows of scores that are masked altogether, goes where nothing is masked.

    Where(IsNaN(s), 0, s) = s    for s = softmax(x), x finite

softmax is NaN only for a row of nothing but -inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, made_by

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``where`` chooses between 0 and what ``softmax`` gives."""

    where: ir.Node
    softmax: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Where behind a Softmax and an IsNaN of it."""
    condition = made_by(node.inputs[0], "IsNaN") if node.op_type == "Where" else None
    softmax = made_by(node.inputs[2], "Softmax") if condition is not None else None
    if condition is None or softmax is None or condition.inputs[0] is not softmax.outputs[0]:
        return None
    return Match(node, softmax)


def check(match: Match) -> str | None:
    """The scores are products, perhaps with something finite added: nothing is masked."""
    import numpy as np

    scores = match.softmax.inputs[0]
    while (node := made_by(scores, "Add", "Mul", "Div")) is not None:
        held = [array(value) for value in node.inputs]
        constants = [constant for constant in held if constant is not None]
        if len(constants) != 1:
            return f"{node.op_type} of the scores takes what is not a constant"
        if not np.isfinite(constants[0]).all():
            return f"{node.op_type} of the scores takes a constant that is not finite"
        scores = next(value for value, constant in zip(node.inputs, held, strict=True) if constant is None)
    return None if made_by(scores, "MatMul") is not None else "the scores do not come from MatMul"


def rewrite(edit: Edit, match: Match) -> None:
    """Take what Softmax gives."""
    edit.replace(match.where.outputs[0], match.softmax.outputs[0])
