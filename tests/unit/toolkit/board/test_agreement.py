from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.board.agreement import Agreement, cosine


def test_cosine() -> None:
    a = np.array([[1.0, 2.0, 3.0]], np.float32)
    assert cosine(a, 2 * a) == pytest.approx(1)
    assert cosine(a, -a) == pytest.approx(-1)
    assert cosine(a, np.array([[3.0, 0.0, -1.0]])) == pytest.approx(0)
    assert cosine(a, 0 * a) == 0 and cosine(0 * a, 0 * a) == 1
    assert cosine(a, a * np.nan) == 0
    rng = np.random.default_rng(0)
    assert all(cosine(one, one) <= 1 for one in rng.standard_normal((300, 777)))


def test_images_add_up_output_by_output() -> None:
    agreement = Agreement()
    for right in ([0, 1, 2, 3], [0, 0, 0, 0]):
        agreement.add(["ids", "logits"], [np.array([0, 1, 2, 0]), np.ones(4)], [np.array(right), np.ones(4) * 3])
    assert agreement.figures() == {"agreement": {"ids": 0.625}, "cosine": {"logits": {"min": 1.0, "mean": 1.0}}}
