"""A Gather of constant neighbours is a Slice.

    Gather(x, [i, i+1, ..., j-1], axis) = Slice(x, i, j, axis);   for one index without an axis of its own, reshaped

Evidence: Pulsar2 takes indices of one axis only, and keeps the whole table on the chip; "constant-index Gathers are
better as Slice" (pulsar2-docs-en, appendix/op_support_list_ax650.md; onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``gather`` takes ``places`` along ``axis``."""

    gather: ir.Node
    axis: int
    places: tuple[int, ...]


def pattern(node: ir.Node) -> Match | None:
    """A Gather of constant indices."""
    indices = array(node.inputs[1]) if node.op_type == "Gather" else None
    shape = sizes(node.inputs[0]) if indices is not None else None
    if indices is None or not shape or indices.ndim > 1 or indices.size == 0:
        return None
    axis = attribute(node, "axis", 0) % len(shape)
    return Match(node, axis, tuple(int(index) % shape[axis] for index in indices.reshape(-1)))


def check(match: Match) -> str | None:
    """The indices follow each other, what is gathered from is computed, and the result has at least one axis."""
    if match.places != tuple(range(match.places[0], match.places[0] + len(match.places))):
        return "the indices of Gather do not follow each other"
    if array(match.gather.inputs[0]) is not None:
        return "Gather takes from a constant, which would be folded"
    return None if sizes(match.gather.outputs[0]) else "Gather gives a single number"


def rewrite(edit: Edit, match: Match) -> None:
    """Slice."""
    import numpy as np

    gather = match.gather
    x, out = sure(gather.inputs[0]), gather.outputs[0]
    shape = list(sure(sizes(x)))
    shape[match.axis] = len(match.places)
    ends = {"starts": match.places[0], "ends": match.places[-1] + 1, "axes": match.axis, "steps": 1}
    held = [edit.constant(np.array([value], np.int64), f"{out.name}_{name}") for name, value in ends.items()]
    sliced = edit.add("Slice", [x, *held], shape, before=gather)
    edit.replace(out, edit.reshape(sliced, sure(sizes(out)), before=gather))
