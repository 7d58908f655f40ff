"""A mask of the scores of a Softmax reaches as far down as float32 can tell, and no further.

    softmax(s + m) = softmax(s + max(m, r - 100)),   r = the least of the rows' largest elements of m
    softmax(where(c, s, f)) = softmax(s + where(c, 0, f)),   as exp(f) is 0

exp underflows: what is 104 below the largest of its row weighs nothing in float32, and what is 17 below it is lost when
the row is summed. So a masked score counts in neither form, unless it is more than 83 above what its row does not mask.
Masks of -inf, -3.4e38 or -10000 leave no step of a quantized tensor for the scores themselves.

Guard: every row has an element that is not masked, and nothing but moves and other terms lies before the Softmax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import carried, moved_to

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array

REACH = 100.0
"""How far a masked element stays below the others; what Swin's own masks have."""
_MASKED = -1000.0
"""No score or bias of a network that was trained is as low."""


@dataclass(frozen=True)
class Match:
    """``node`` masks ``scores``, an Add of the constant ``mask``, or a Where by it that amounts to adding ``held``.

    ``moves`` bring what it gives to ``softmax``.
    """

    node: ir.Node
    scores: ir.Value
    mask: ir.Value
    held: Array
    moves: tuple[ir.Node, ...]
    softmax: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """An Add of a constant with very low elements, or a Where that puts them in, and the Softmax that it leads to."""
    masked = _added(node) or _put_in(node)
    if masked is None or sizes(node.outputs[0]) is None:
        return None
    led = softmax_of(node.outputs[0])
    if led is None:
        return None
    user, moves = led
    if any(sizes(move.outputs[0]) is None for move in moves):
        return None
    return Match(node, *masked, tuple(moves), user)


def check(match: Match) -> str | None:
    """No row is masked altogether: Softmax makes the same of all its elements then, or NaN."""
    return None if (_largest_of_rows(match) > _MASKED).all() else "a row is masked altogether"


def rewrite(edit: Edit, match: Match) -> None:
    """Add the clamped mask; one for all layers that share it."""
    import numpy as np

    held = match.held
    floor = held.dtype.type(float(_largest_of_rows(match).min()) - REACH)
    clamped = np.maximum(held, floor)
    name = f"{match.mask.name}_clamped"
    shared = edit.graph.initializers.get(name)
    same = (there := array(shared)) is not None and np.array_equal(there, clamped)
    value = shared if shared is not None and same else edit.constant(clamped, name)
    if match.node.op_type == "Where":
        out = match.node.outputs[0]
        edit.replace(out, edit.add("Add", [match.scores, value], sure(sizes(out)), before=match.node))
        return
    match.node.replace_input_with(list(match.node.inputs).index(match.mask), value)
    edit.drop(match.mask)


def softmax_of(scores: ir.Value) -> tuple[ir.Node, list[ir.Node]] | None:
    """The Softmax that scores lead to through moves and further terms, and the moves, first to last."""
    value, moves = moved_to(scores)
    while (user := only_use(value)) is not None and user.op_type == "Add":
        if sizes(user.outputs[0]) != sizes(value):
            return None
        value, more = moved_to(user.outputs[0])
        moves += more
    return (user, moves) if user is not None and user.op_type == "Softmax" else None


def _added(node: ir.Node) -> tuple[ir.Value, ir.Value, Array] | None:
    """Of an Add: the scores, the mask, and its elements."""
    if node.op_type != "Add":
        return None
    for mask, scores in (node.inputs, reversed(node.inputs)):
        if (held := array(mask)) is not None and _masks(held):
            return sure(scores), sure(mask), held
    return None


def _put_in(node: ir.Node) -> tuple[ir.Value, ir.Value, Array] | None:
    """Of a Where by a constant: the scores, the constant, and what it amounts to adding."""
    import numpy as np

    if node.op_type != "Where" or (chosen := array(node.inputs[0])) is None:
        return None
    _, kept, other = node.inputs
    for scores, fill, masked in ((kept, other, ~chosen), (other, kept, chosen)):
        held = array(fill)
        if held is not None and _masks(held) and (held < _MASKED).all() and array(scores) is None:
            return sure(scores), sure(node.inputs[0]), np.where(masked, held, held.dtype.type(0))
    return None


def _masks(held: Array) -> bool:
    return held.dtype.kind == "f" and held.size > 0 and bool((held < _MASKED).any())


def _largest_of_rows(match: Match) -> Array:
    """The largest element of the mask in each row that the Softmax sees."""
    import numpy as np

    scores = carried(np.broadcast_to(match.held, sure(sizes(match.node.outputs[0]))), match.moves)
    return np.asarray(sure(scores).max(axis=attribute(match.softmax, "axis", -1)))
