"""8 bits tried out on real values, and what that wins."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from recipebuild.toolkit.equalize.trial import MOST, Trial, in_s8, in_u8, won


def test_activations_go_to_the_nearest_of_255_steps() -> None:
    values = np.array([-1.0, -0.004, 0.0, 0.006, 1.55, 3.0])
    # A range of -0.51 to 2.04 has steps of 0.01, and 0 has one of its own; what is outside is cut off.
    np.testing.assert_allclose(in_u8(values, -0.51, 2.04), [-0.51, 0.0, 0.0, 0.01, 1.55, 2.04], atol=1e-12)


def test_weights_have_a_scale_for_each_output() -> None:
    weights = np.array([[1.275, 0.004, -1.275], [12.75, 0.04, 0.0]])  # steps of 0.01 and of 0.1
    np.testing.assert_allclose(in_s8(weights, 0), [[1.27, 0.0, -1.28], [12.7, 0.0, 0.0]], atol=1e-12)


def test_what_is_won_in_decibels() -> None:
    exact = np.array([1.0, 2.0])
    assert won(exact, exact + 0.1, exact + 0.01) == pytest.approx(20)
    assert won(exact, exact + 0.1, exact) == MOST
    assert won(exact, exact, exact + 0.1) == 0, "there was nothing to win"
    assert won(exact * 0, exact * 0, exact * 0) == 0


def test_an_operator_alone_leaves_its_bias_out() -> None:
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], transB=1)
    product = Trial(node, 17)(np.ones((1, 3)), np.array([[1.0, 2, 3], [4, 5, 6]]))
    assert product.tolist() == [[6.0, 15.0]]
