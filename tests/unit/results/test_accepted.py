"""Accepted figures, and the verdict on later builds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recipebuild.errors import CheckError
from recipebuild.results.accepted import BETTER, SAME, UNMEASURED, WORSE, compare, regressions

IMAGES = np.random.default_rng(0).normal(0.8, 0.1, 50)


def facts(shift: float = 0.0, noise: float = 0.0, **more: Any) -> dict[str, Any]:
    values = IMAGES + shift + np.random.default_rng(1).normal(0, 1, 50) * noise
    per_image = {f"street-{i}": float(value) for i, value in enumerate(values)}
    return {"metric": "miou", "value": float(values.mean()), "per_image": per_image} | more


@pytest.mark.parametrize(
    ("new", "verdict", "words"),
    [
        (facts(), SAME, "miou 0.8129 -> 0.8129: equal"),
        (facts(-0.005, 0.005), WORSE, "worse (95 %: -0.0"),
        (facts(+0.005, 0.005), BETTER, "better (95 %: +0.0"),
        (facts(-0.0002, 0.05), SAME, "same within noise"),
    ],
)
def test_accuracy_is_compared_image_by_image(new: dict[str, Any], verdict: str, words: str) -> None:
    comparison = compare(facts(), new, 0.01)
    assert comparison["verdict"] == verdict
    assert words in comparison["lines"][0]


def test_of_an_error_less_is_better() -> None:
    assert compare(facts(metric="abs_rel"), facts(-0.01, metric="abs_rel"), 0.01)["verdict"] == BETTER


def test_other_images_or_another_metric_cannot_be_compared() -> None:
    other = facts(-0.5)
    other["per_image"] = {f"x{name}": value for name, value in other["per_image"].items()}
    for new in (other, facts(-0.5, metric="pixel_accuracy")):
        comparison = compare(facts(), new, 0.01)
        assert comparison["verdict"] == UNMEASURED
        assert "other images, or by another metric" in comparison["lines"][0]


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ({"cycles": 1000}, {"cycles": 1005}, SAME),
        ({"cycles": 1000}, {"cycles": 1100}, WORSE),
        ({"latency_ms": 10.0}, {"latency_ms": 10.4}, SAME),
        ({"latency_ms": 10.0}, {"latency_ms": 8.0}, BETTER),
        ({"cycles": 1000, "latency_ms": 10.0}, {"cycles": 900, "latency_ms": 12.0}, WORSE),
    ],
)
def test_where_accuracy_is_the_same_speed_decides(old: dict[str, Any], new: dict[str, Any], verdict: str) -> None:
    assert compare(old, new, 0.01)["verdict"] == verdict
    assert compare(facts(**old), facts(**new), 0.01)["verdict"] == verdict


def test_better_accuracy_outweighs_speed() -> None:
    assert compare(facts(cycles=100), facts(0.01, cycles=200), 0.01)["verdict"] == BETTER


def test_a_large_loss_is_never_noise_though_one_image_carries_it() -> None:
    new = facts(-0.002)
    new["per_image"]["street-3"] -= 0.071 * 50
    new["value"] -= 0.071
    comparison = compare(facts(), new, 0.01)
    assert comparison["verdict"] == WORSE
    assert comparison["lines"] == [
        "miou 0.8129 -> 0.7399: worse, by more than accept.max_regression 0.01 (95 %: -0.2122 to +0.0662)"
    ]
    assert compare(facts(), new, 0.1)["verdict"] == SAME


def test_of_metrics_without_points_the_limit_is_a_share_of_what_was_accepted() -> None:
    old, new = facts(metric="rmse", value=4.0), facts(metric="rmse", value=4.05)
    new["per_image"]["street-3"] += 0.05 * 50
    assert compare(old, new, 0.01)["verdict"] == WORSE
    assert compare(old, new, 0.02)["verdict"] == SAME


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (facts(), {}),
        (facts(bytes=10), {"bytes": 10}),
        (facts(cycles=100), {"cycles": 100}),
        ({"cycles": 1000}, {}),
        ({"bytes": 10}, {"bytes": 10}),
        ({"bytes": 10}, {"bytes": 20}),
    ],
)
def test_what_was_not_measured_is_not_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    comparison = compare(old, new, 0.01)
    assert comparison["verdict"] == UNMEASURED
    (error,) = regressions({"verdict": {"": comparison}}, [""])
    assert error.exit_code == 5
    assert "not measured" in error.message


def test_a_slower_build_is_worse_though_its_accuracy_was_not_measured() -> None:
    assert compare(facts(cycles=100), {"cycles": 200}, 0.01)["verdict"] == WORSE


def test_a_regression_is_a_failed_check_with_its_figures() -> None:
    verdict = {"a": compare(facts(), facts(), 0.01), "b": compare(facts(), facts(-0.05), 0.01)}
    (error,) = regressions({"verdict": verdict}, ["a", "b"])
    assert isinstance(error, CheckError)
    assert error.message == "b: worse than what was accepted"
    assert "miou 0.8129 -> 0.7629" in error.remedy


def test_a_build_that_was_compared_with_nothing_is_a_failed_check() -> None:
    (error,) = regressions({}, ["a"])
    assert error.exit_code == 5
    assert error.message == "a: nothing was compared with accepted figures"
