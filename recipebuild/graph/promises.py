"""What passes may count on, and leave to those that follow: held between them, so that a wrong pass is named.

A pass that writes operators newer than ``LOWEST`` says so by ``OPSET``. None leaves what the next cannot see through: a
node that holds a constant, for constants are initializers, or a value whose shape or type is not known.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from recipebuild.graph.edit import sizes

if TYPE_CHECKING:
    import onnx_ir as ir

LOWEST = 14
"""The first opset whose Reshape is as ``Edit.reshape`` writes it."""


class BrokenPromiseError(AssertionError):
    """A pass was given, or has left, what passes cannot work on: a bug of ours."""


def needed_opset(module: ModuleType) -> int:
    """The first opset that has the operators which a pass writes."""
    return int(getattr(module, "OPSET", LOWEST))


def hold_opset(name: str, module: ModuleType, model: ir.Model) -> None:
    """Make sure that the model may have what a pass writes.

    Raises:
        BrokenPromiseError: If its opset is older.
    """
    opset, needed = model.opset_imports.get("", needed_opset(module)), needed_opset(module)
    if opset < needed:
        raise BrokenPromiseError(f"the pass {name} writes operators of opset {needed}, and the graph has opset {opset}")


def obscured(graph: ir.Graph) -> set[str]:
    """What passes cannot see through, in words: Constant nodes, values of unknown shape or type."""
    constants = {f"the Constant {node.outputs[0].name}" for node in graph if node.op_type == "Constant"}
    return constants | {
        f"{value.name}, of unknown {'shape' if value.dtype is not None else 'type'}"
        for node in graph
        for value in node.outputs
        if value.dtype is None or sizes(value) is None
    }


def hold_sight(name: str, before: set[str], graph: ir.Graph) -> None:
    """Make sure that a pass has left nothing obscured that was not so before.

    Raises:
        BrokenPromiseError: If it has.
    """
    if left := sorted(obscured(graph) - before):
        raise BrokenPromiseError(f"the pass {name} leaves {left[0]}")
