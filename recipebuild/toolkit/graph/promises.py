"""What passes may count on, and leave to those that follow: held between them, so that a wrong pass is named.

A pass that writes operators newer than ``LOWEST`` says so by ``OPSET``, and is left out where the graph is older: not
every model can be raised. None leaves what the next cannot see through: a node that holds a constant, for constants are
initializers, or a value whose shape or type is not known.
"""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import sizes

if TYPE_CHECKING:
    import onnx_ir as ir

LOWEST = 14
"""The first opset whose Reshape is as ``Edit.reshape`` writes it."""


class BrokenPromiseError(AssertionError):
    """A pass has left what the next ones cannot work on: a bug of ours."""


def needed_opset(module: ModuleType) -> int:
    """The first opset that has the operators which a pass writes."""
    return int(getattr(module, "OPSET", LOWEST))


def too_old(model: ir.Model, module: ModuleType) -> str | None:
    """Why a model may not have what a pass writes; ``None`` if it may."""
    needed = needed_opset(module)
    opset = model.opset_imports.get("", needed)
    return f"the graph has opset {opset}, and what it needs is in opset {needed}" if opset < needed else None


def obscured(graph: ir.Graph) -> dict[ir.Value, str]:
    """What passes cannot see through, in words: values of Constant nodes, and those of unknown shape or type."""
    words = {}
    for node in graph:
        for value in node.outputs:
            if node.op_type == "Constant":
                words[value] = f"the Constant {value.name}"
            elif value.dtype is None or sizes(value) is None:
                words[value] = f"{value.name}, of unknown {'type' if value.dtype is None else 'shape'}"
    return words


def hold_sight(name: str, before: Collection[ir.Value], graph: ir.Graph) -> None:
    """Make sure that a pass has left nothing obscured that was not so before, if under another name.

    Raises:
        BrokenPromiseError: If it has.
    """
    for value, words in obscured(graph).items():
        if value not in before:
            raise BrokenPromiseError(f"the pass {name} leaves {words}")
