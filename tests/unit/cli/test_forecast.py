"""How long a run still takes."""

from __future__ import annotations

import pytest

from recipebuild.cli.forecast import Forecast, span
from recipebuild.engine.step import Output, Step


def step(name: str, *before: str) -> Step:
    return Step(f"r/{name}", name, "toys", {}, {need: Output(f"r/{need}", "x") for need in before})


STEPS = [step("a"), step("b"), step("c", "a", "b"), step("d", "c")]
SECONDS = {"r/a": 10.0, "r/b": 4.0, "r/c": 20.0, "r/d": 1.0}


def test_the_longest_chain_counts_with_workers_to_spare_and_the_sum_with_one() -> None:
    forecast = Forecast(STEPS, SECONDS)
    assert forecast.all_left(0.0, workers=2) == 31.0
    assert forecast.all_left(0.0, workers=1) == 35.0


def test_time_passes_and_steps_end() -> None:
    forecast = Forecast(STEPS, SECONDS)
    forecast.started("r/a", 100.0)
    forecast.started("r/b", 100.0)
    assert forecast.left("r/a", 103.0) == 7.0 and forecast.elapsed("r/a", 103.0) == 3.0
    assert forecast.fraction("r/a", 103.0) == pytest.approx(0.3)
    assert forecast.all_left(103.0, workers=2) == 28.0
    for name in ("r/a", "r/b", "r/c"):
        forecast.ended(name)
    assert forecast.all_left(104.0, workers=2) == 1.0


def test_a_step_that_is_new_is_judged_by_what_it_says_and_then_by_the_clock() -> None:
    forecast = Forecast(STEPS, {})
    forecast.started("r/a", 0.0)
    assert forecast.left("r/a", 5.0) is None and forecast.all_left(5.0, workers=1) is None
    forecast.progress("r/a", 0.25, 5.0)
    assert forecast.left("r/a", 5.0) == pytest.approx(15.0)
    assert forecast.left("r/a", 8.0) == pytest.approx(12.0)
    assert forecast.left("r/a", 50.0) is None, "it said nothing for so long that nothing is known"
    assert forecast.fraction("r/a", 8.0) == 0.25


def test_a_step_slower_than_last_time_is_never_said_to_be_done() -> None:
    forecast = Forecast(STEPS, SECONDS)
    forecast.started("r/a", 0.0)
    assert forecast.fraction("r/a", 60.0) == 0.95
    assert forecast.left("r/a", 60.0) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")]
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text
