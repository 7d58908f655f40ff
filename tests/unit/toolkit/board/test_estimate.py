"""Estimates: a fit that is right where the answer is known, its error, and the model that was kept out of it."""

from __future__ import annotations

import pytest

from recipebuild.errors import RecipeError
from recipebuild.toolkit.board.costs import Costs
from recipebuild.toolkit.board.estimate import PARTS, MeasuredModel, estimate, held_out, table


def test_the_public_table_is_there() -> None:
    rows = {row.name: row for row in table()}
    assert len(rows) == 29
    assert rows["ResNet50"].ms == {"NPU1": 2.867, "NPU3": 1.335}
    assert rows["ResNet50"].costs == Costs(4_090_000_000, 0, 25_600_000, 150_528)


def test_the_error_is_that_of_leaving_one_out_and_as_documented() -> None:
    for mode in ("NPU1", "NPU3"):
        span = estimate(held_out().costs, mode)
        assert span.models == 29
        assert 0.10 < span.median_error < 0.16
        assert 0.20 < span.range_error < 0.28
        assert span.low == pytest.approx(span.ms / (1 + span.range_error))
        assert span.high == pytest.approx(span.ms * (1 + span.range_error))


def test_the_model_that_was_kept_out_is_within_the_range() -> None:
    network = held_out()
    span = estimate(network.costs, "NPU3")
    assert span.low < network.ms["NPU3"] < span.high
    assert span.ms == pytest.approx(network.ms["NPU3"], rel=0.15)
    assert max(span.parts, key=lambda part: span.parts[part]) == "attention maps"
    assert network.name not in {row.name for row in table()}


def test_more_work_takes_longer_and_more_cores_less() -> None:
    small, large = Costs(10**9, 10**9, 10**7, 10**6), Costs(2 * 10**9, 2 * 10**9, 2 * 10**7, 2 * 10**6)
    for mode in ("NPU1", "NPU2", "NPU3"):
        assert estimate(small, mode).ms < estimate(large, mode).ms
    one, two, three = (estimate(large, mode).ms for mode in ("NPU1", "NPU2", "NPU3"))
    assert three < two < one
    with pytest.raises(RecipeError, match="NPU4"):
        estimate(small, "NPU4")


def test_what_you_measured_joins_the_fit() -> None:
    costs = Costs(0, 50 * 10**9, 10**7, 10**6)
    alone = estimate(costs, "NPU3")
    own = [
        MeasuredModel(f"mine{i}", Costs(0, (40 + i) * 10**9, 10**7, 10**6), {"NPU3": 1.2 * (40 + i)}) for i in range(20)
    ]
    span = estimate(costs, "NPU3", own)
    assert span.models == alone.models + 20
    assert abs(span.ms - 60) < abs(alone.ms - 60)
    assert set(span.parts) == {*PARTS, "attention maps"}


def test_attention_maps_that_fit_on_the_chip_cost_nothing_more() -> None:
    plain = Costs(10**9, 10**9, 10**7, 10**6)
    fitting = Costs(10**9, 10**9, 10**7, 10**6, (3_000_000,) * 10)
    spilled = Costs(10**9, 10**9, 10**7, 10**6, (19_000_000,))
    assert estimate(fitting, "NPU1").ms == estimate(plain, "NPU1").ms
    assert estimate(spilled, "NPU1").parts["attention maps"] == pytest.approx(4.0)  # 4 x 19 MB at 19 GB/s
