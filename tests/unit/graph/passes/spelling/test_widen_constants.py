"""Constants with 32 bits."""

from __future__ import annotations

import numpy as np
from support.graphs import graph, outcome


def test_a_cast_constant_is_stored_wide() -> None:
    text = "(float[2,3] x, float16[3] c) => (float[2,3] y) { a = Cast <to = 1> (c) y = Add (x, a) }"
    it = outcome(graph(text, c=np.array([0.1, 2, -3])), "widen_constants")
    assert (it.before, it.after) == ({"Cast": 1, "Add": 1}, {"Add": 1})
    assert [tensor.data_type for tensor in it.model.graph.initializer] == [1]
    assert it.error == 0
