"""A dataset in two halves."""

from __future__ import annotations

import pytest

from recipebuild.toolkit.evaluate.parts import part_of


@pytest.mark.parametrize("count", [0, 1, 2, 7, 24])
def test_the_halves_have_nothing_in_common_and_are_all_together(count: int) -> None:
    for seed in range(3):
        tuning, heldout = (part_of(range(count), part, seed) for part in ("tuning", "heldout"))
        assert sorted([*tuning, *heldout]) == list(range(count))
        assert len(tuning) == count // 2
        assert tuning == sorted(tuning) and heldout == sorted(heldout)


def test_the_seed_decides() -> None:
    assert part_of(range(24), "tuning", 1) == part_of(range(24), "tuning", 1) != part_of(range(24), "tuning", 2)
    assert part_of("abc", "all", 1) == ["a", "b", "c"]
