"""A dataset in two halves: one to choose by, and one that the choice has not seen.

Use: ``part_of(samples(folder), "tuning", seed=0)``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, TypeVar

Part = Literal["all", "tuning", "heldout"]

T = TypeVar("T")


def part_of(samples: Sequence[T], part: Part, seed: int) -> list[T]:
    """All samples, or one half of them, in their order; ``tuning`` is the smaller one where their number is odd.

    The halves are drawn with ``seed``: they have no sample in common, and together they are all.
    """
    if part == "all":
        return list(samples)
    # A text, so that this draw has nothing to do with the one that chose the samples by the same seed.
    drawn = random.Random(f"tuning {seed}").sample(range(len(samples)), len(samples) // 2)  # noqa: S311 - repeatable
    chosen = set(drawn)
    return [sample for number, sample in enumerate(samples) if (number in chosen) == (part == "tuning")]
