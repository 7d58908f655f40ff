"""The rungs' rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from recipebuild.facts.tasks import CLASSIFICATION, SEGMENTATION
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.ladder import climb, count
from recipebuild.toolkit.evaluate.measure import Measurement

HOW = Measurement(CLASSIFICATION, 10, labelled=True)


def answers(right: int, of: int = 40, shift: float = 0.0) -> list[Answer]:
    """``right`` of the answers say 1, the others 0."""
    logits = np.linspace(1, 2, 10, dtype=np.float32) + np.float32(shift)
    return [Answer(np.array(int(i < right)), logits) for i in range(of)]


def rows(**rungs: list[Answer]) -> list[dict[str, Any]]:
    return list(climb(count(rungs.items(), [1] * 40, HOW), HOW, "top1"))


def test_every_rung_is_compared_with_the_one_before() -> None:
    first, second, third = rows(pytorch=answers(40), export=answers(40, shift=0.01), quantized=answers(30))
    assert first["top1"] == 1.0
    assert "change" not in first
    assert (second["change"], second["same"]) == (0.0, 1.0)
    assert 43 < second["snr_before"] < 44  # 10 log10(mean of logits^2 / 0.01^2)
    assert second["largest_error"] == 0.005
    assert (third["change"], third["same"]) == (-0.25, 0.75)
    low, high = third["change_interval"]
    assert low < -0.25 < high < 0


def test_without_labels_every_rung_is_held_against_the_first() -> None:
    how = Measurement(SEGMENTATION, 3, labelled=False)
    first, second = np.zeros((4, 4), np.int64), np.eye(4, dtype=np.int64)
    rungs = {"pytorch": [Answer(first, None)] * 3, "head": [Answer(second, None)] * 3}
    climbed = list(climb(count(rungs.items(), [None] * 3, how), how, "agreement"))
    assert [row["agreement"] for row in climbed] == [1.0, 0.75]
    assert climbed[1]["largest_error"] is None
