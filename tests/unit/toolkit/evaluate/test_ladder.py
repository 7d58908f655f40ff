"""The rungs' rows, and the words on which of them lost the most."""

from __future__ import annotations

from typing import Any

import numpy as np

from recipebuild.facts.tasks import CLASSIFICATION, SEGMENTATION
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.ladder import climb, verdict
from recipebuild.toolkit.evaluate.measure import Measurement

HOW = Measurement(CLASSIFICATION, 10, labelled=True)


def answers(right: int, of: int = 40, shift: float = 0.0) -> list[Answer]:
    """``right`` of the answers say 1, the others 0."""
    logits = np.linspace(1, 2, 10, dtype=np.float32) + np.float32(shift)
    return [Answer(np.array(int(i < right)), logits) for i in range(of)]


def rows(**rungs: list[Answer]) -> list[dict[str, Any]]:
    return list(climb(rungs, [1] * 40, HOW, "top1"))


def test_every_rung_is_compared_with_the_one_before() -> None:
    first, second, third = rows(pytorch=answers(40), export=answers(40, shift=0.01), quantized=answers(30))
    assert first["top1"] == 1.0
    assert "change" not in first
    assert (second["change"], second["same"], second["within_noise"]) == (0.0, 1.0, True)
    assert second["largest_error"] == 0.005
    assert (third["change"], third["same"]) == (-0.25, 0.75)
    low, high = third["change_interval"]
    assert low < -0.25 < high < 0


def test_the_rung_that_lost_most_is_named_with_what_to_look_at() -> None:
    found = rows(pytorch=answers(40), export=answers(38), quantized=answers(20))
    assert "most is lost at quantized (host): top1 0.9500 -> 0.5000" in verdict(found, "top1")
    assert "Look at quantization.method" in verdict(found, "top1")
    found = rows(preprocessor=answers(40), pytorch=answers(20), quantized=answers(18))
    assert "PyTorch, recipe's input: top1 1.0000 -> 0.5000" in verdict(found, "top1")
    assert "input.mean" in verdict(found, "top1")


def test_a_difference_that_may_be_chance_is_called_that() -> None:
    found = rows(pytorch=answers(40), quantized=answers(39))
    assert found[-1]["within_noise"]
    assert "no rung loses more than chance" in verdict(found, "top1")
    assert "within noise" in verdict(found, "top1")


def test_no_loss_is_said_to_be_none() -> None:
    assert verdict(rows(pytorch=answers(30), quantized=answers(35)), "top1") == "no rung loses accuracy"
    assert "not" not in verdict(rows(pytorch=answers(30), quantized=answers(35)), "top1")
    assert verdict(rows(pytorch=answers(30)), "top1") == "no rung was compared with another"


def test_errors_that_grow_are_losses() -> None:
    table = [
        {"rung": "pytorch", "title": "a", "abs_rel": 0.1},
        {"rung": "quantized", "title": "b", "abs_rel": 0.3, "change": 0.2, "change_interval": [0.1, 0.3]},
    ]
    assert "abs_rel 0.1000 -> 0.3000" in verdict(table, "abs_rel")


def test_without_labels_every_rung_is_held_against_the_first() -> None:
    how = Measurement(SEGMENTATION, 3, labelled=False)
    first, second = np.zeros((4, 4), np.int64), np.eye(4, dtype=np.int64)
    rungs = {"pytorch": [Answer(first, None)] * 3, "head": [Answer(second, None)] * 3}
    found = list(climb(rungs, [None] * 3, how, "agreement"))
    assert [row["agreement"] for row in found] == [1.0, 0.75]
    assert found[1]["largest_error"] is None
