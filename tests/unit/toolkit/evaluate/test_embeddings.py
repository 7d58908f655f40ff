"""Embeddings against another model's, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.embeddings import Embeddings
from recipebuild.toolkit.evaluate.measure import image_scores

SCORE = Embeddings()
RIGHT = [(1, 0), (4, 1), (0, 1), (0, 5)]


def rows(truth: list[tuple[int, int]], answers: list[tuple[int, int]]) -> list[np.ndarray]:
    def of(values: tuple[int, int]) -> object:
        return answer([np.array([values], np.float32)], "feature-extraction", "model")

    return [SCORE.count(of(a), of(b)) for a, b in zip(truth, answers, strict=True)]  # type: ignore[arg-type]


def test_neighbours_are_found_among_all_texts() -> None:
    # Neighbours of the first model: 1, 0, 3, 2. The other one has (1, 4) in place of (4, 1): 1, 3 or 2 before 0.
    scores = image_scores(rows(RIGHT, [(1, 0), (1, 4), (0, 1), (0, 5)]), SCORE)
    assert scores.counts[:, 1] == pytest.approx([1, 8 / 17, 1, 1])
    assert scores.counts[:, 2].tolist() == [1, 0, 1, 1]
    assert scores.figures() == pytest.approx({"cosine": (3 + 8 / 17) / 4, "retrieval": 0.75})


def test_the_length_of_an_embedding_does_not_count() -> None:
    longer = [(3 * a, 3 * b) for a, b in RIGHT]
    assert image_scores(rows(RIGHT, longer), SCORE).figures() == pytest.approx({"cosine": 1, "retrieval": 1})


def test_a_single_text_has_no_neighbour() -> None:
    assert image_scores(rows(RIGHT[:1], RIGHT[:1]), SCORE).figures() == {"cosine": 1.0}
