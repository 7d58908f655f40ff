"""Which of the evaluated images go up the ladder: every step that lets some of them climb takes the same. Pure.

Stages before quantization differ by rounding alone, unless something is wrong with one; so they see a few images, and
all that climb only where they do not agree on these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")

IMAGES = 16
"""At most so many."""
FEW = 4
"""At most so many tell whether the stages before quantization agree."""


def climbing(drawn: Sequence[_T]) -> Sequence[_T]:
    """At most ``IMAGES`` of those that are evaluated, evenly spread over them."""
    return drawn[:: _every(drawn, IMAGES)]


def few(images: Sequence[_T]) -> Sequence[_T]:
    """At most ``FEW`` of those that climb, evenly spread over them."""
    return images[:: _every(images, FEW)]


def filled(seen: Sequence[_T], others: Sequence[_T]) -> list[_T]:
    """What there is for each image: of the few that were seen their own, of the rest the others'."""
    whole = list(others)
    whole[:: _every(others, FEW)] = seen
    return whole


def _every(images: Sequence[_T], most: int) -> int:
    return max(1, -(-len(images) // most))
