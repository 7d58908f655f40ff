"""A table of operators, which the steps simplify and rewrite have among their figures."""

from __future__ import annotations

from typing import TypedDict


class OperatorRow(TypedDict):
    """How many nodes of an operator there are before and after a step."""

    op: str
    before: int
    after: int
