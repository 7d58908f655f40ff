"""By which tensor models are compared."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.analysis.compared import both, compared
from recipebuild.toolkit.analysis.tensor_pairs import find_twins


def test_it_is_what_the_argmax_takes_along_its_axis() -> None:
    model = graph("(float[1,4,2,2] x) => (int64[1,1,2,2] y) { l = Abs(x) y = ArgMax<axis = 1>(l) }")
    comparison = compared(model, find_twins(model, model), None)
    assert (comparison.twin.tensor, comparison.class_axis) == ("l", 1)


def test_it_is_found_past_what_moves_class_ids() -> None:
    model = graph(
        "(float[1,4,2,2] x, int64[3] s) => (int32[1,2,2] y) "
        "{ l = Abs(x) i = ArgMax<axis = 1>(l) c = Cast<to = 6>(i) y = Reshape(c, s) }",
        s=[1, 2, 2],
    )
    comparison = compared(model, find_twins(model, model), None)
    assert (comparison.twin.tensor, comparison.class_axis) == ("l", 1)


def test_of_integers_that_come_from_something_else_it_is_the_last_tensor_of_numbers() -> None:
    text = "(float[1,4] x, int64[1] k) => (int64[1,2] y) { l = Abs(x) v, y = TopK(l, k) }"
    model = onnx.shape_inference.infer_shapes(graph(text, k=[2]))
    comparison = compared(model, find_twins(model, model), None)
    assert (comparison.twin.tensor, comparison.class_axis) == ("v", None)


def test_of_a_threshold_it_is_the_logits_of_the_one_class() -> None:
    model = graph(
        "(float[1,1,2,2] x) => (int32[1,1,2,2] y) <float c = {0.0}> "
        "{ l = Abs(x) above = Greater(l, c) y = Cast<to = 6>(above) }"
    )
    comparison = compared(model, find_twins(model, model), 1)
    assert (comparison.twin.tensor, comparison.class_axis) == ("l", None)


def test_without_an_argmax_it_is_the_output(make_pair) -> None:
    pair = make_pair()
    twins = find_twins(pair.model, pair.quantized)
    assert (compared(pair.model, twins, None).twin.tensor, compared(pair.model, twins, 1).class_axis) == ("y", 1)
    for x, (right, got) in zip(
        pair.images, both(pair.model, pair.quantized, compared(pair.model, twins, 1), iter(pair.images)), strict=True
    ):
        np.testing.assert_allclose(right, pair.float(x)["y"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got, pair.end_to_end(x)["y"], rtol=1e-4, atol=1e-5)


def test_models_without_a_tensor_in_common_are_told_of() -> None:
    model = graph("(float[1,4,2,2] x) => (float[1,4,2,2] y) { y = Abs(x) }")
    other = graph("(float[1,4,2,2] x) => (float[1,4,2,2] z) { z = Abs(x) }")
    with pytest.raises(StepError, match="has no y"):
        compared(model, find_twins(model, other), None)
