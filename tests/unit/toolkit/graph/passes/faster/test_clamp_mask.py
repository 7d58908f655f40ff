"""A mask before a Softmax goes no further down than it counts."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper
from support.graphs import graph, outcome, refusals

MASKED = """(float[1,2,3,4] x, float[1,1,3,4] mask) => (float[1,2,3,4] y) {
    s = Add (x, mask)
    y = Softmax <axis = -1> (s)
}"""
NOTHING = float(np.finfo(np.float32).tiny)
"""What is below is a denormal number, as exp(-100) is, which not every machine flushes to 0."""
ROWS = np.array([[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 1]], bool)
"""Which keys each of the three queries does not see."""


def masked(low: float, usual: float = 0.0) -> np.ndarray:
    return np.where(ROWS, low, usual).astype(np.float32)


def constants(model: object) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}  # type: ignore[attr-defined]


@pytest.mark.parametrize("low", [-np.inf, float(np.finfo(np.float32).min), -1e9, -1e4])
def test_what_is_masked_is_100_lower_than_the_rest(low: float) -> None:
    change = outcome(graph(MASKED, mask=masked(low)), "clamp_mask")
    (held,) = constants(change.model).values()
    np.testing.assert_array_equal(held[0, 0], np.where(ROWS, -100, 0))
    assert change.error < NOTHING
    assert change.before == change.after


def test_what_the_rest_has_is_counted() -> None:
    change = outcome(graph(MASKED, mask=masked(-np.inf, usual=-5)), "clamp_mask")
    (held,) = constants(change.model).values()
    np.testing.assert_array_equal(held[0, 0], np.where(ROWS, -105, -5))
    assert change.error < NOTHING


def test_between_the_windows_of_swin_one_clamped_mask_serves_two_layers() -> None:
    """The mask of each window is added under a shape of its own, as Swin does."""
    text = """(float[4,1,2,2] x, float[1,2,1,2,2] mask, int64[5] windows, int64[4] flat) => (float[4,1,2,2] y) {
        a = Reshape (x, windows)
        b = Add (a, mask)
        c = Reshape (b, flat)
        d = Softmax <axis = -1> (c)
        e = Reshape (d, windows)
        f = Add (mask, e)
        g = Reshape (f, flat)
        y = Softmax <axis = -1> (g)
    }"""
    mask = np.array([[[0, -np.inf], [-np.inf, 0]], [[0, 0], [0, 0]]], np.float32)
    change = outcome(graph(text, mask=mask, windows=[2, 2, 1, 2, 2], flat=[4, 1, 2, 2]), "clamp_mask")
    assert constants(change.model)["mask_clamped"].min() == -100
    assert sorted(constants(change.model)) == ["flat", "mask_clamped", "windows"]
    assert change.error < NOTHING


def test_a_bias_may_be_added_in_between() -> None:
    text = MASKED.replace("] mask)", "] mask, float[1,2,3,4] bias)")
    text = text.replace("y = Softmax <axis = -1> (s)", "t = Add (s, bias)\n y = Softmax <axis = -1> (t)")
    change = outcome(graph(text, mask=masked(-np.inf)), "clamp_mask")
    assert constants(change.model)["mask_clamped"].min() == -100
    assert change.error < NOTHING


@pytest.mark.parametrize("low", [-np.inf, float(np.finfo(np.float32).min), -1e9])
@pytest.mark.parametrize("order", ["keep, x, low", "hide, low, x"])
def test_scores_that_a_where_puts_out_are_lowered_by_100(low: float, order: str) -> None:
    text = f"""(float[1,2,3,4] x, bool[1,1,3,4] keep, bool[1,1,3,4] hide, float low) => (float[1,2,3,4] y) {{
        s = Where ({order})
        y = Softmax <axis = -1> (s)
    }}"""
    change = outcome(graph(text, keep=[[~ROWS]], hide=[[ROWS]], low=low), "clamp_mask")
    held = next(values for name, values in constants(change.model).items() if name.endswith("_clamped"))
    np.testing.assert_array_equal(held[0, 0], np.where(ROWS, -100, 0))
    assert change.error < NOTHING and change.after["Add"] == 1 and not change.after["Where"]


def test_a_where_that_is_no_mask_stays() -> None:
    text = """(float[1,2,3,4] x, bool[1,1,3,4] keep, float low) => (float[1,2,3,4] y) {
        s = Where (keep, x, low)
        y = Softmax <axis = -1> (s)
    }"""
    assert outcome(graph(text, keep=[[~ROWS]], low=-5), "clamp_mask").after["Where"] == 1
    rows = ROWS.copy()
    rows[1] = True
    assert refusals(graph(text, keep=[[~rows]], low=-np.inf), "clamp_mask") == {"a row is masked altogether": 1}


def test_masks_of_100_stay() -> None:
    change = outcome(graph(MASKED, mask=masked(-100)), "clamp_mask")
    assert list(constants(change.model)) == ["mask"]


@pytest.mark.parametrize("low", [-np.inf, float(np.finfo(np.float32).min)])
def test_a_row_of_masked_keys_stays(low: float) -> None:
    mask = masked(low)
    mask[1] = low
    assert refusals(graph(MASKED, mask=mask), "clamp_mask") == {"a row is masked altogether": 1}


def test_over_another_axis_other_rows_count() -> None:
    """No key is masked for all three queries, and then the first one is."""
    text = MASKED.replace("axis = -1", "axis = 2")
    assert outcome(graph(text, mask=masked(-np.inf)), "clamp_mask").error < NOTHING
    mask = masked(-np.inf)
    mask[:, 0] = -np.inf
    assert refusals(graph(text, mask=mask), "clamp_mask") == {"a row is masked altogether": 1}


def test_what_is_used_besides_the_softmax_stays() -> None:
    text = MASKED.replace("=> (float[1,2,3,4] y)", "=> (float[1,2,3,4] y, float[1,2,3,4] s)")
    change = outcome(graph(text, mask=masked(-1e9)), "clamp_mask")
    assert list(constants(change.model)) == ["mask"]


def test_the_guard_for_masked_rows_goes_then() -> None:
    text = """(float[1,2,3,4] x, float[1,2,4,4] keys, float[1,1,3,4] mask, float[1] zero) => (float[1,2,3,4] y) {
        q = MatMul (x, keys)
        s = Add (q, mask)
        p = Softmax <axis = -1> (s)
        n = IsNaN (p)
        y = Where (n, zero, p)
    }"""
    change = outcome(graph(text, mask=masked(-np.inf), zero=[0]), "clamp_mask", "drop_nan_guard")
    assert change.before["IsNaN"] == 1 and change.after["IsNaN"] == 0
    assert change.error < NOTHING
