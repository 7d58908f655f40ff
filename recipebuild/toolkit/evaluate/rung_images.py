"""Which of the evaluated images go up the ladder: every step that lets some of them climb takes the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")

IMAGES = 16
"""At most so many: each goes up every rung."""


def climbing(drawn: Sequence[_T]) -> Sequence[_T]:
    """At most ``IMAGES`` of those that are evaluated, evenly spread over them."""
    return drawn[:: max(1, -(-len(drawn) // IMAGES))]
