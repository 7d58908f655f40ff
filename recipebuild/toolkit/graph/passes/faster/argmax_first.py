"""An ArgMax over the classes of an image whose pixels are repeated comes first; then class ids are repeated.

    ArgMax_c(x[c, i // s, j // t])  =  (ArgMax_c x[c, i, j])[i // s, j // t]

Nearest Resize by whole factors copies each pixel with all its classes, and ArgMax looks at one pixel at a time, so the
ids are the same, ties included. They are repeated by an Expand: ONNX Runtime's Resize does not take int64. Bilinear
Resize mixes pixels and has no such equation; see ``head.before_resize``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, attribute, made_by, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import repeats

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``argmax`` of what ``resize`` makes."""

    argmax: ir.Node
    resize: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """An ArgMax of a resized image."""
    resize = made_by(node.inputs[0], "Resize") if node.op_type == "ArgMax" else None
    if resize is None or len(sizes(resize.inputs[0]) or ()) != 4:
        return None
    return Match(node, resize)


def check(match: Match) -> str | None:
    """It is over the channels, the Resize repeats rows and columns, and nothing else takes what that makes."""
    if attribute(match.argmax, "axis", 0) % 4 != 1:
        return "ArgMax is not over the channels"
    factors = repeats(match.resize)
    if factors is None:
        return "Resize does more than repeat pixels"
    if factors[:2] != (1, 1):
        return "Resize repeats images or channels"
    if only_use(match.resize.outputs[0]) is None:
        return "something else takes what Resize gives"
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Take the ArgMax of the small image, and repeat its rows and columns."""
    import numpy as np

    argmax, x = match.argmax, sure(match.resize.inputs[0])
    n, _, h, w = sure(sizes(x))
    *_, rows, columns = sure(repeats(match.resize))
    how = {"axis": 1, "keepdims": 1, "select_last_index": attribute(argmax, "select_last_index", 0)}
    out = argmax.outputs[0]
    ids = edit.add("ArgMax", [x], (n, 1, h, w), before=argmax, attributes=how)
    ids.type = out.type
    ids = edit.reshape(ids, (n * h, 1, w, 1), before=argmax)
    repeated = (n * h, rows, w, columns)
    ids = edit.add(
        "Expand", [ids, edit.constant(np.array(repeated, np.int64), f"{out.name}_repeated")], repeated, before=argmax
    )
    edit.replace(out, edit.reshape(ids, sure(sizes(out)), before=argmax))
