"""Reshapes and Transposes that follow each other become one, or none.

    Reshape(Reshape(x)) = Reshape(x);   Transpose_q(Transpose_p(x)) = Transpose_{p[q]}(x);   what changes nothing goes.

A Transpose that moves only axes of size 1 is a Reshape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, made_by, permutation, sizes

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``node`` gives the ``shape``, from ``x`` directly; ``perm`` is ``None`` for a Reshape."""

    node: ir.Node
    x: ir.Value
    perm: tuple[int, ...] | None
    shape: tuple[int, ...]


def pattern(node: ir.Node) -> Match | None:
    """A Reshape or Transpose that is not needed in this form."""
    x, shape = node.inputs[0] if node.inputs else None, sizes(node.outputs[0])
    if node.op_type not in ("Reshape", "Transpose") or x is None or shape is None or (before := sizes(x)) is None:
        return None
    perm = permutation(node)
    if shape == before and (perm is None or perm == tuple(range(len(perm)))):
        return Match(node, x, None, shape)
    if perm is not None and _moves_nothing(perm, before):
        return Match(node, x, None, shape)
    first = made_by(x, node.op_type)
    source = first.inputs[0] if first else None
    if first is None or source is None or sizes(source) is None:
        return None
    inner = permutation(first)
    return Match(node, source, tuple(inner[axis] for axis in perm) if inner and perm else None, shape)


def check(match: Match) -> str | None:
    """Always: shapes are static."""
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Go from ``x`` to the result in one step."""
    if match.perm is None:
        new = edit.reshape(match.x, match.shape, before=match.node)
    elif match.perm == tuple(range(len(match.perm))):
        new = match.x
    else:
        new = edit.transpose(match.x, match.perm, before=match.node)
    edit.replace(match.node.outputs[0], new)


def _moves_nothing(perm: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether the axes that are longer than 1 stay in their order."""
    long = [axis for axis in perm if shape[axis] > 1]
    return long == sorted(long)
