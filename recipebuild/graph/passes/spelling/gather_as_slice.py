"""A Gather of constant neighbours is a Slice.

    Gather(x, [i, i+1, ..., j-1], axis) = Slice(x, i, j, axis);   for one index without an axis of its own, reshaped

Evidence: Pulsar2 takes indices of one axis only, and keeps the whole table on the chip; "constant-index Gathers are
better as Slice" (pulsar2-docs-en, appendix/op_support_list_ax650.md; onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.graph.edit import Edit, array, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``gather`` takes ``start`` to ``end`` (without) along ``axis``."""

    gather: ir.Node
    axis: int
    start: int
    end: int


def pattern(node: ir.Node) -> Match | None:
    """A Gather of constant indices that follow each other."""
    indices = array(node.inputs[1]) if node.op_type == "Gather" else None
    shape = sizes(node.inputs[0]) if indices is not None else None
    if indices is None or not shape or indices.ndim > 1 or indices.size == 0:
        return None
    axis = attribute(node, "axis", 0) % len(shape)
    places = [int(index) % shape[axis] for index in indices.reshape(-1)]
    if places != list(range(places[0], places[0] + len(places))):
        return None
    return Match(node, axis, places[0], places[0] + len(places))


def check(match: Match) -> bool:
    """What is gathered from is computed: a constant would be folded; and the result has at least one axis."""
    return array(match.gather.inputs[0]) is None and bool(sizes(match.gather.outputs[0]))


def rewrite(edit: Edit, match: Match) -> None:
    """Slice."""
    import numpy as np

    gather = match.gather
    x, out = sure(gather.inputs[0]), gather.outputs[0]
    shape = list(sure(sizes(x)))
    shape[match.axis] = match.end - match.start
    ends = {"starts": match.start, "ends": match.end, "axes": match.axis, "steps": 1}
    held = [edit.constant(np.array([value], np.int64), f"{out.name}_{name}") for name, value in ends.items()]
    sliced = edit.add("Slice", [x, *held], shape, before=gather)
    edit.replace(out, edit.reshape(sliced, sure(sizes(out)), before=gather))
