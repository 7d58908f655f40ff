"""The figures of the steps judge and judge-board, which ``judge.json`` has, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict


class Check(TypedDict):
    """A figure beside its limit.

    Attributes:
        figure: What is limited, in words.
        field: The field of the recipe that limits it.
        value: What was measured.
        bound: Which side of the limit is allowed.
        limit: What the recipe allows.
        passed: Whether the value keeps to it.
    """

    figure: str
    field: str
    value: float
    bound: Literal["at most", "at least"]
    limit: float
    passed: bool


@dataclass(frozen=True)
class Judged:
    """What was measured, held to the recipe's limits.

    Attributes:
        checks: One for each figure that the recipe limits.
    """

    checks: Sequence[Check]
