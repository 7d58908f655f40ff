"""Figures of steps: as JSON values in manifests, and back."""

from __future__ import annotations

from typing import Any

import pytest

from recipebuild.figures.compiled import Compiled
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.layers import Layers
from recipebuild.figures.values import as_json, read_figures

EVALUATED = Evaluation(
    images=3, metric="miou", against="labels", interval={}, scores={"miou_float": 0.5, "top1_float": 0.25}, drop=0.0
)


def test_scores_stand_among_the_figures_and_what_is_not_there_is_left_out() -> None:
    assert as_json(EVALUATED) == {
        "images": 3, "metric": "miou", "against": "labels", "interval": {}, "miou_float": 0.5, "top1_float": 0.25,
        "drop": 0.0,
    }  # fmt: skip


def test_a_figure_that_may_be_unknown_is_there_as_null() -> None:
    layers = Layers(images=2, snr_db=None, agreement=None, worst=[])
    assert as_json(layers) == {"images": 2, "snr_db": None, "agreement": None, "worst": []}


@pytest.mark.parametrize("figures", [EVALUATED, Compiled(bytes=7, max_cycle=9, more={"macs": 5, "warnings": ["hot"]})])
def test_what_is_read_is_what_was_written(figures: Any) -> None:
    assert read_figures(type(figures), as_json(figures)) == figures


def test_figures_of_a_step_that_failed_are_none() -> None:
    assert read_figures(Evaluation, {}) is None
    assert read_figures(Evaluation, {"images": 3, "metric": "miou"}) is None


def test_the_metric_of_a_row() -> None:
    assert (EVALUATED.score("float"), EVALUATED.score("board")) == (0.5, None)
