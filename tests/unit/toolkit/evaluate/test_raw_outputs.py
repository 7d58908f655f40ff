"""Each output against another model's, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.raw_outputs import RawOutputs

SCORE = RawOutputs(("a", "b"))


def of(*outputs: list[float]) -> Answer:
    return answer([np.array(output, np.float32) for output in outputs], "other", "model")


def test_figures_are_means_over_samples_of_the_worst_output() -> None:
    first = SCORE.count(
        of([3, 4], [1, 0]), of([3, 4], [0, 1])
    )  # a is equal, b at a right angle, as much noise as twice it
    second = SCORE.count(of([10, 0], [2, 0]), of([11, 0], [4, 0]))  # a: 10 log10(100 / 1); b: 10 log10(4 / 4)
    for row, right in ((first, ((1, 0), (100, 10 * np.log10(1 / 2)))), (second, ((1, 1), (20, 0)))):
        for name, cosine, snr in zip("ab", *right, strict=True):
            assert SCORE.by_output(row)[name] == pytest.approx({"cosine": cosine, "snr": snr}, abs=1e-5)
    sums = first + second
    assert SCORE.by_output(sums)["a"] == pytest.approx({"cosine": 1, "snr": 60}, abs=1e-5)
    assert SCORE.by_output(sums)["b"] == pytest.approx({"cosine": 0.5, "snr": 5 * np.log10(1 / 2)}, abs=1e-5)
    assert SCORE.figures(sums)["cosine"] == pytest.approx(0.5)
    assert SCORE.figures(np.stack([first, second]))["snr"].tolist() == pytest.approx(
        [10 * np.log10(1 / 2), 0], abs=1e-5
    )


def test_an_output_that_died_has_no_likeness() -> None:
    row = SCORE.count(of([1, 1], [0, 0]), of([0, 0], [0, 0]))
    assert SCORE.by_output(row)["a"] == pytest.approx({"cosine": 0, "snr": 0}, abs=1e-5)
    assert SCORE.by_output(row)["b"] == pytest.approx({"cosine": 1, "snr": 100}, abs=1e-5)


def test_single_values_are_compared_over_all_samples() -> None:
    """By itself each is at an angle of 0 to any of its sign, and at none to 0."""
    rows = [SCORE.count(of([a], [1, 1]), of([b], [1, 1])) for a, b in ((0.9, 0.8), (0.1, 0.0), (0.2, 0.3))]
    truth, answer = np.array([0.9, 0.1, 0.2]), np.array([0.8, 0.0, 0.3])
    right = truth @ answer / np.linalg.norm(truth) / np.linalg.norm(answer)
    assert SCORE.by_output(np.sum(rows, axis=0))["a"]["cosine"] == pytest.approx(right, abs=1e-6)


def test_every_output_is_taken_whole() -> None:
    taken = answer([np.ones((2, 1, 3), np.float16), np.array(7)], "other", "model")
    assert [output.shape for output in taken.outputs] == [(2, 1, 3), ()]
    assert taken.values is not None and taken.values.tolist() == [1, 1, 1, 1, 1, 1, 7]
