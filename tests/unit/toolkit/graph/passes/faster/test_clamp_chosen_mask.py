"""A mask that is computed is -100 in place of -inf."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper
from support.graphs import graph, outcome, refusals

TEXT = """(float[1,2,3,4] x, float low, float zero, int64[1] last, int64[4] shape) => (float[1,2,3,4] y) {
    mean = ReduceMean (x, last)
    chosen = Less (x, mean)
    mask = Where (ORDER)
    moved = Reshape (mask, shape)
    s = Add (x, moved)
    y = Softmax <axis = -1> (s)
}"""
SHAPE = [1, 2, 3, 4]


def text(order: str = "chosen, low, zero") -> str:
    return TEXT.replace("ORDER", order)


@pytest.mark.parametrize("order", ["chosen, low, zero", "chosen, zero, low"])
def test_minus_infinity_becomes_minus_100(order: str) -> None:
    change = outcome(graph(text(order), low=-np.inf, zero=0, last=[-1], shape=SHAPE), "clamp_chosen_mask")
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in change.model.graph.initializer}
    assert held["mask_clamped"] == -100 and "low" not in held
    assert change.before == change.after
    assert change.error < float(np.finfo(np.float32).tiny)


def test_a_number_stays_as_a_row_may_be_masked_altogether() -> None:
    low = graph(text(), low=-1e9, zero=0, last=[-1], shape=SHAPE)
    assert refusals(low, "clamp_chosen_mask") == {"a row may be masked altogether, and by a number": 1}


def test_what_is_no_mask_of_scores_stays() -> None:
    other = text().replace("Softmax <axis = -1> (s)", "Sigmoid (s)")
    model = outcome(graph(other, low=-np.inf, zero=0, last=[-1], shape=SHAPE), "clamp_chosen_mask").model
    assert "mask_clamped" not in {tensor.name for tensor in model.graph.initializer}
