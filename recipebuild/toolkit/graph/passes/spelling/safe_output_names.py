"""Outputs get names that can be files: letters, digits, `_` and `-`.

    y/out = y_out    (a name is not part of the function)

Evidence: on the board, and for `pulsar2 run`, outputs are files named after the tensors, and `/` breaks them
(pulsar2-docs-en, user_guides_advanced/advanced_run_guides.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit

if TYPE_CHECKING:
    import onnx_ir as ir

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Match:
    """An output."""

    value: ir.Value


def pattern(node: ir.Node) -> Match | None:
    """A node that makes an output with such a name."""
    for value in node.outputs:
        if value.is_graph_output() and _UNSAFE.search(value.name or ""):
            return Match(value)
    return None


def check(match: Match) -> str | None:
    """Always."""
    return None


def rewrite(edit: Edit, match: Match) -> None:
    """Name it anew."""
    edit.rename(match.value, _UNSAFE.sub("_", match.value.name or ""))
