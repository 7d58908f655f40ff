"""Estimates for chips of which little was published: each with its own error."""

from __future__ import annotations

import pytest

from recipebuild.errors import RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.board.costs import Costs
from recipebuild.toolkit.board.estimate import estimate, latencies, table
from recipebuild.toolkit.board.other_chips import estimate_on

RESNET50 = Costs(4_090_000_000, 0, 25_600_000, 150_528)
PUBLISHED = [(chip, mode) for chip, modes in latencies()["chips"].items() for mode in modes]


@pytest.mark.parametrize(("chip", "mode"), PUBLISHED)
def test_a_chip_has_its_own_estimate_and_its_own_error(chip: str, mode: str) -> None:
    span = estimate_on(chip, RESNET50, mode)
    published = latencies()["chips"][chip][mode]
    assert span.models == len(published)
    assert span.low < published["ResNet50"] < span.high
    assert 0.1 < span.median_error < 0.35 and 0.25 < span.range_error < 0.6, "as documented in docs/board.md"
    parts = estimate(RESNET50, "NPU1").parts
    assert span.ms / sum(parts.values()) == pytest.approx(span.parts["weights"] / parts["weights"])


def test_what_was_published_is_counted_and_belongs_to_a_chip() -> None:
    counted = {row.name for row in table()}
    assert all(set(models) <= counted for modes in latencies()["chips"].values() for models in modes.values())
    tables = {chip.latency for chip in CHIPS.values()} - {None}
    assert tables == {"AX650", *latencies()["chips"]}


def test_a_mode_that_nobody_measured_is_an_error() -> None:
    with pytest.raises(RecipeError, match="nothing is known of the speed of NPU1 on AX630C") as caught:
        estimate_on("AX630C", RESNET50, "NPU1")
    assert caught.value.remedy == "set target.npu_mode: NPU2"
