"""The figure that matters of each step, in a few words."""

from __future__ import annotations

from typing import Any

from recipebuild.report.figures import figure

LOSS = {"figure": "loss of mIoU", "value": 0.0123456, "bound": "at most", "limit": 0.02}
NEAR = {"figure": "mean cosine of logits", "value": 0.999, "bound": "at least", "limit": 0.98}


def judged(*checks: dict[str, Any]) -> str:
    return figure({"name": "judge", "metrics": {"checks": list(checks)}})


def test_what_was_judged_stands_beside_its_limit() -> None:
    assert judged(LOSS, NEAR) == "loss of mIoU 0.0123456, at most 0.02; mean cosine of logits 0.999, at least 0.98"


def test_a_recipe_without_limits_is_told_to_have_none() -> None:
    assert judged() == "the recipe sets no limit"
