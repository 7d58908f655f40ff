"""Every task has metrics, and every metric is computed."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from recipebuild.facts.metrics import AGAINST_A_MODEL, METRICS, MetricName, loss, metric_title, metrics_of
from recipebuild.facts.tasks import DETECTION, TASKS
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.precision import ImageMatches, MatchTable
from recipebuild.toolkit.evaluate.scores import score_of

INPUT = ImageSpec(shape=(1, 3, 8, 8), mean=(0, 0, 0), std=(255, 255, 255))


@pytest.mark.parametrize("task", TASKS)
def test_the_score_of_a_task_computes_what_its_recipes_may_ask_for(task: str) -> None:
    assert metrics_of(task)
    labelled = metrics_of(task, labels=True)
    if task == DETECTION:  # whose figures are no sums
        nothing = np.zeros((10, 0), bool)
        image = ImageMatches(np.zeros(0, int), np.zeros(0), nothing, nothing, np.zeros(1, int))
        assert tuple(MatchTable([image], classes=5).figures(np.ones(1))) == labelled
    elif labelled:
        sums = np.ones(3 * 5 if task == "semantic-segmentation" else 1 + len(labelled))
        assert tuple(score_of(task, classes=5, labelled=True, image=INPUT).figures(sums)) == labelled
    figures = score_of(task, classes=5, labelled=False).figures(np.ones(1 + len(AGAINST_A_MODEL)))
    assert set(metrics_of(task)) - set(labelled) <= set(figures)


def test_recipes_may_name_each_metric_that_a_task_has() -> None:
    assert set(get_args(MetricName)) == {name for task in TASKS for name in metrics_of(task)}


def test_a_loss_is_above_zero_where_a_metric_gets_worse() -> None:
    assert loss("miou", 0.9, 0.8) == pytest.approx(0.1)
    assert loss("abs_rel", 0.1, 0.2) == pytest.approx(0.1)
    assert loss("a metric of another version", 2.0, 1.0) == 1.0


def test_people_read_titles() -> None:
    assert [metric_title(name) for name in ("miou", "top1", "pixel_accuracy", "some_figure")] == [
        "mIoU", "top-1", "pixel accuracy", "some figure"
    ]  # fmt: skip
    assert all(metric.unit == "%" for metric in METRICS.values() if metric.name in ("miou", "agreement", "delta1"))
