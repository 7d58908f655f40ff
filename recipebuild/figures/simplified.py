"""The figures of the step simplify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recipebuild.figures.operators import OperatorRow


@dataclass(frozen=True)
class Simplified:
    """The graph before and after the simplifier.

    Attributes:
        operators: How many of which there are, before and after.
        nodes_before: How many there are in all; so with ``nodes_after``.
        bytes_before: The size of the exported model.
        bytes: The size of the simplified model.
    """

    operators: Sequence[OperatorRow]
    nodes_before: int
    nodes_after: int
    bytes_before: int
    bytes: int
