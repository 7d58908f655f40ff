"""Attention is done for some queries at a time, so that a matrix of scores stays in the processor's cache.

    softmax([Q1; Q2; ...] K^T) V = [softmax(Q1 K^T) V; softmax(Q2 K^T) V; ...]

each row of scores being a matter of its own. On the host only: three operators more for each tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, made_by, only_use, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir

TILE_BYTES = 10 * 2**20
"""The largest matrix of scores: under a third of the 32 MiB of last-level cache that servers have."""


@dataclass(frozen=True)
class Match:
    """softmax(``scores``), times the values in ``mixed``; the queries are cut along ``axis``."""

    scores: ir.Node
    softmax: ir.Node
    mixed: ir.Node
    axis: int


def pattern(node: ir.Node) -> Match | None:
    """A product, the Softmax of it, and that times the values."""
    softmax = made_by(node.inputs[0], "Softmax") if node.op_type == "MatMul" else None
    scores = made_by(softmax.inputs[0], "MatMul") if softmax else None
    if softmax is None or scores is None or array(scores.inputs[1]) is not None:
        return None
    if only_use(softmax.outputs[0]) is None or only_use(scores.outputs[0]) is None:
        return None
    q, k = sizes(scores.inputs[0]), sizes(scores.inputs[1])
    if q is None or k is None or len(q) != 4 or sizes(scores.outputs[0]) is None:
        return None
    return Match(scores, softmax, node, 1 if k[:2] == (1, 1) and q[1] > 1 else 2)


def check(match: Match) -> str | None:
    """The scores are larger than a tile, and the tiles come out even."""
    if _bytes(match) <= TILE_BYTES:
        return "the scores fit in the cache"
    return None if _tiles(match) > 1 else "the queries do not divide into even tiles"


def rewrite(edit: Edit, match: Match) -> None:
    """Split the queries, do each part, put the results together."""
    import numpy as np

    scores, mixed, axis = match.scores, match.mixed, match.axis
    queries = sure(scores.inputs[0])
    q, wide, out = sure(sizes(queries)), sure(sizes(scores.outputs[0])), sure(sizes(mixed.outputs[0]))
    count = _tiles(match)
    part = q[axis] // count
    lengths = edit.constant(np.full(count, part, np.int64), f"{scores.outputs[0].name}_tiles")
    parts = edit.split(queries, lengths, count, axis, before=mixed)

    def cut(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:axis], part, *shape[axis + 1 :])

    done: list[ir.Value | None] = []
    for piece in parts:
        inner = edit.add("MatMul", [piece, scores.inputs[1]], cut(wide), before=mixed)
        weights = edit.add("Softmax", [inner], cut(wide), before=mixed, attributes={"axis": -1})
        done.append(edit.add("MatMul", [weights, mixed.inputs[1]], cut(out), before=mixed))
    edit.replace(mixed.outputs[0], edit.add("Concat", done, out, before=mixed, attributes={"axis": axis}))


def _bytes(match: Match) -> int:
    """How large the scores are, in float32."""
    return 4 * math.prod(sure(sizes(match.scores.outputs[0])))


def _tiles(match: Match) -> int:
    """The smallest number of equal tiles that are small enough; 1 if there is none."""
    length = sure(sizes(match.scores.outputs[0]))[match.axis]
    needed = math.ceil(_bytes(match) / TILE_BYTES)
    return next((count for count in range(needed, min(length, 64) + 1) if length % count == 0), 1)
