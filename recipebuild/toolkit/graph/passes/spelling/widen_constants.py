"""Constants of 16 bits that are only cast to 32 are stored with 32.

    Cast(c16, to = float32) = c32    the same numbers: every float16 and bfloat16 is a float32

Evidence: Pulsar2 fails on a Cast of bfloat16 initializers (onnxsim/onnxsim, scripts/axera/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, sure

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Match:
    """``cast`` is of a constant."""

    cast: ir.Node


def pattern(node: ir.Node) -> Match | None:
    """A Cast of a constant of 16 bits."""
    import onnx_ir as ir

    if node.op_type != "Cast" or array(node.inputs[0]) is None:
        return None
    return Match(node) if sure(node.inputs[0]).dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16) else None


def check(match: Match) -> str | None:
    """It is to float32, and gives no output of the graph."""
    import onnx_ir as ir

    if match.cast.outputs[0].dtype != ir.DataType.FLOAT:
        return "Cast is not to float32"
    return None if not match.cast.outputs[0].is_graph_output() else "Cast gives an output of the graph"


def rewrite(edit: Edit, match: Match) -> None:
    """Store it with 32 bits."""
    import numpy as np

    held = sure(array(match.cast.inputs[0])).astype(np.float32)
    edit.replace(match.cast.outputs[0], edit.constant(held, f"{sure(match.cast.inputs[0]).name}_float32"))
