"""Answers are read along the axis on which the model has its classes."""

from __future__ import annotations

import numpy as np
import pytest

from recipebuild.toolkit.evaluate.answers import answer


@pytest.mark.parametrize("axis", [3, -1])
def test_logits_with_the_classes_last_are_read_along_their_axis(axis: int) -> None:
    logits = np.zeros((1, 8, 9, 5), np.float32)
    logits[..., 4] = 1
    decoded = answer([logits], "semantic-segmentation", "net.onnx", axis=axis)
    assert decoded.ids is not None and decoded.ids.shape == (8, 9) and (decoded.ids == 4).all()
    assert decoded.values is not None and decoded.values.shape == (5, 8, 9)
