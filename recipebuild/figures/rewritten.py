"""The figures of the step rewrite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from recipebuild.figures.operators import OperatorRow


class Pass(TypedDict):
    """A rewrite that was applied: how often, and how many nodes the graph had after it."""

    name: str
    times: int
    nodes: int


class Refusal(TypedDict):
    """How many places a rewrite left as they were, and why."""

    name: str
    reason: str
    times: int


@dataclass(frozen=True)
class Rewritten:
    """What the rewrites did to the graph, and how much work it is before and after them.

    Attributes:
        passes: The rewrites that were applied, in their order.
        refused: Those whose guards did not allow them.
        rolled_back: The names of those that changed the result too much.
        relative: The largest max|a - b| / max|b| of an output; ``None`` if it was not measured.
        agreement: The smallest fraction of equal class ids; ``None`` without classes.
        nodes_before: Operators of the graph; so with ``nodes_after``.
        multiply_adds_before: Multiply-adds of one run.
        layout_changes_before: Operators that only move values.
        peak_activation_bytes_before: The most memory that activations take at a time.
        operators: How many of which there are, before and after.
        bytes: The size of the rewritten model.
    """

    passes: Sequence[Pass]
    refused: Sequence[Refusal]
    rolled_back: Sequence[str]
    relative: float | None
    agreement: float | None
    nodes_before: int
    multiply_adds_before: int
    layout_changes_before: int
    peak_activation_bytes_before: int
    nodes_after: int
    multiply_adds_after: int
    layout_changes_after: int
    peak_activation_bytes_after: int
    operators: Sequence[OperatorRow]
    bytes: int
