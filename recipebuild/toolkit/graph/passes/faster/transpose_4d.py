"""Flattening an image before turning channels last (or after turning them first) trades places with the turning.

    Transpose(0,2,1)(Reshape[N,C,HW](x))  =  Reshape[N,HW,C](Transpose(0,2,3,1)(x))           for x [N,C,H,W]
    Reshape[N,C,H,W](Transpose(0,2,1)(y)) =  Transpose(0,3,1,2)(Reshape[N,H,W,C](y))          for y [N,HW,C]
    Reshape[..,M,L](Transpose(0,2,1)(z))  =  Transpose(..,-1,-2)(Reshape[..,L,M](z))          for z [B,L,M]

Both sides put the same elements in the same places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, permutation, sizes, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``first`` and ``last`` are a Reshape and a Transpose, in either order."""

    first: ir.Node
    last: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Reshape and a Transpose of the last two of three axes, the second one being ``node``."""
    if node.op_type not in ("Transpose", "Reshape"):
        return None
    first = made_by(node.inputs[0], "Reshape" if node.op_type == "Transpose" else "Transpose")
    if first is None:
        return None
    turn = node if node.op_type == "Transpose" else first
    return Match(first, node) if permutation(turn) == (0, 2, 1) else None


def check(match: Match) -> str | None:
    """An image is flattened and turned, or turned and unflattened, and nothing else."""
    x, middle, y = sizes(match.first.inputs[0]), sizes(match.first.outputs[0]), sizes(match.last.outputs[0])
    if x is None or middle is None or y is None:
        return "the shapes at Reshape and Transpose are not known"
    if match.last.op_type == "Transpose":
        return None if len(x) == 4 and middle[:2] == x[:2] else "Reshape does not flatten an image"
    if len(y) == 4 and (middle[:2] == y[:2] or middle[1:] == y[2:]):
        return None
    return "Reshape does not make an image or matrices"


def rewrite(edit: Edit, match: Match) -> None:
    """Let them trade places."""
    x, y = sure(match.first.inputs[0]), match.last.outputs[0]
    shape = sure(sizes(y))
    if match.last.op_type == "Transpose":
        turned = edit.transpose(x, (0, 2, 3, 1), before=match.last)
        edit.replace(y, edit.reshape(turned, shape, before=match.last))
    elif (sizes(x) or ())[1:] == shape[:1:-1]:
        first, second, width, length = shape
        matrices = edit.reshape(x, (first, second, length, width), before=match.last)
        edit.replace(y, edit.transpose(matrices, (0, 1, 3, 2), before=match.last))
    else:
        n, c, h, w = shape
        image = edit.reshape(x, (n, h, w, c), before=match.last)
        edit.replace(y, edit.transpose(image, (0, 3, 1, 2), before=match.last))
