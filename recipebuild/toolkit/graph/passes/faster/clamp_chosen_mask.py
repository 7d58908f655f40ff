"""A mask that the network itself makes reaches as far down as float32 can tell, and no further.

    softmax(s + where(c, -inf, m)) = softmax(s + where(c, min(m) - 100, m))

As in ``clamp_mask``, but ``c`` is computed: Mask2Former attends to where it saw an object in the layer before. exp
underflows: what is 104 below the largest of its row weighs nothing in float32. A row that is masked altogether is NaN
before, and as if nothing were masked after.

Guard: the mask is -inf; rows that are altogether -1e9 are numbers, and others after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.faster.clamp_mask import REACH, softmax_of
from recipebuild.toolkit.graph.passes.terms import moved_to

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array

_LOW = -1000.0


@dataclass(frozen=True)
class Match:
    """``where`` puts ``low`` in at the place ``at`` of its inputs, and ``usual`` elsewhere."""

    where: ir.Node
    at: int
    low: Array
    usual: Array


def pattern(node: ir.Node) -> Match | None:
    """A Where by a computed condition of two constants, one of them very low, that is added before a Softmax."""
    if node.op_type != "Where" or array(node.inputs[0]) is not None or sizes(node.outputs[0]) is None:
        return None
    _, first, second = (array(value) for value in node.inputs)
    if first is None or second is None or first.dtype.kind != "f":
        return None
    at, low, usual = (1, first, second) if first.max() < second.min() else (2, second, first)
    if not low.max() < _LOW < usual.min():
        return None
    mask, _ = moved_to(node.outputs[0])
    add = only_use(mask)
    if add is None or add.op_type != "Add" or softmax_of(add.outputs[0]) is None:
        return None
    return Match(node, at, low, usual)


def check(match: Match) -> str | None:
    """What is masked is -inf."""
    import numpy as np

    return None if np.isneginf(match.low).all() else "a row may be masked altogether, and by a number"


def rewrite(edit: Edit, match: Match) -> None:
    """Choose a number in place of -inf."""
    floor = match.usual.dtype.type(match.usual.min() - REACH)
    name = f"{match.where.outputs[0].name}_clamped"
    low = sure(match.where.inputs[match.at])
    match.where.replace_input_with(match.at, edit.constant(floor, name))
    edit.drop(low)
