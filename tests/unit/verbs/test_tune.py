"""What tuning came to: a goal counts as met only where images that the search has not seen meet it, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.cli.tune import _not_met, _text
from recipebuild.recipe.tune import Tune
from recipebuild.verbs.tune import Figures, Tuned
from recipebuild.verbs.tuning.change import RecipeChange
from recipebuild.verbs.tuning.search import Outcome, SearchResult, failed


def tuned(*, tuning: float, heldout: float, metric: str = "miou") -> Tuned:
    goal, change = Tune(max_drop=0.005), RecipeChange({"quantization.method": "MSE"})
    broken = RecipeChange({"equalize": {}})
    trials = [(RecipeChange(), Outcome(0.02)), (broken, failed("equalize: no")), (change, Outcome(tuning))]
    seen, apart = (Figures(12, 0.8, 0.78, 0.8 - drop, drop) for drop in (tuning, heldout))
    search = SearchResult(trials, change, met=tuning <= goal.max_drop)
    return Tuned("mine", Path("mine.yaml"), goal, metric, search, change.values(()), seen, apart, 0.0, "", "")


@pytest.mark.parametrize(
    ("tuning", "heldout", "met"), [(0.001, 0.005, True), (0.001, 0.0103, False), (0.006, 0.001, False)]
)
def test_the_half_that_was_kept_apart_decides(tuning: float, heldout: float, met: bool) -> None:
    result = tuned(tuning=tuning, heldout=heldout)
    assert result.met == result.as_json()["met"] == met
    assert ("chosen: " in _text(result)) == met
    if not met:
        assert ("on those that were kept apart" in _not_met(result).message) == result.search.met


def test_why_a_trial_failed_is_shown() -> None:
    result = tuned(tuning=0.001, heldout=0.001)
    assert "failed" in _text(result) and "\n  equalize: no\n" in _text(result)
    assert [trial.get("error") for trial in result.as_json()["trials"]] == [None, "equalize: no", None]


def test_figures_are_in_the_unit_of_their_metric() -> None:
    result = tuned(tuning=0.001, heldout=0.0103)
    assert "mIoU 80.00 float, 78.00 before, 78.97 after: a loss of 1.03, on 12 images" in _text(result)
    assert "loses 0.10 points" in _not_met(result).message
    depth = tuned(tuning=0.001, heldout=0.0103, metric="abs_rel")
    assert "AbsRel 0.8000 float, 0.7800 before, 0.7897 after: a loss of 0.0103, on 12 images" in _text(depth)
    assert "loses 0.0010 on the images" in _not_met(depth).message and "limit is 0.0050" in _not_met(depth).message
