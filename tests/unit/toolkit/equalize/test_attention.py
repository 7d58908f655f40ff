"""Attention over long rows: what is promised and tried, the same function with the division behind the product."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.equalize.attention import LONG, Ranges, deferred, gains, long_rows
from recipebuild.toolkit.equalize.equalize import equalize
from recipebuild.toolkit.quantize.probe import Probe
from recipebuild.toolkit.quantize.view import view

KEYS = 256
ATTENTION = """(float[1,32,256] x, float[256,8] w) => (float[1,32,8] y) {{
    a = Softmax<axis = {axis}>(x)
    v = MatMul(x, w)
    k = Transpose<perm = [0, 2, 1]>(x)
    kv = MatMul(k, v)
    {end}
}}"""


def attention(axis: int = -1, end: str = "y = MatMul(a, kv)", opset: int = 20) -> onnx.ModelProto:
    model = graph(ATTENTION.format(axis=axis, end=end), w=np.random.default_rng(0).normal(size=(KEYS, 8)))
    model.opset_import[0].version = opset
    return onnx.shape_inference.infer_shapes(model)


def rows(*, alike: bool) -> Any:
    """Scores of which one row has a peak, or all have the same one, wherever."""
    scores = np.random.default_rng(1).normal(size=(1, 32, KEYS)).astype(np.float32)
    peaked = range(32) if alike else (0,)
    for row in peaked:
        scores[0, row, 7 * row] = 12.0
    return scores


def own(scores: Any, values: Any) -> Ranges:
    """The ranges of one image."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    largest = float((1 / e.sum(axis=-1)).max())
    centred = float(np.abs(values - values.mean(axis=-2, keepdims=True)).max())
    bounds = [(float(each.min()), float(each.max())) for each in (scores, values)]
    return Ranges(bounds[0], largest, bounds[1], centred)


def test_the_promise_is_the_largest_value_of_all_rows_over_those_of_each() -> None:
    # 256 keys: in one row e^S is 255 for one key and 1 for each other, so 0.5; in one it is 1 for all, so 1 / 256.
    scores = np.zeros((1, 2, KEYS), np.float32)
    scores[0, 0, 3] = np.log(255.0)
    over = Ranges(scores=(0.0, np.log(255.0)), weight=0.5, values=(0.0, 1.0), centred=0.0)
    predicted, _ = gains(scores, np.ones((1, KEYS, 4), np.float32), over, "U16")
    assert predicted == pytest.approx(10 * np.log10(0.25 / ((0.25 + 1 / 256**2) / 2)), abs=1e-4)


def test_rows_of_unlike_peaks_win_and_rows_of_one_peak_do_not() -> None:
    values = np.random.default_rng(2).normal(size=(1, KEYS, 8)).astype(np.float32)
    cases = (rows(alike=one) for one in (False, True))
    unlike, alike = (gains(scores, values, own(scores, values), "U16")[1] for scores in cases)
    assert unlike > 10
    assert alike < 3


def test_a_place_is_tried_over_the_ranges_of_all_images() -> None:
    # 256 keys alike: every weight is 1 / 256. Over 0..1/256 the largest code of S8 stands for them. Where another image
    # has a weight of 1, a step is 1 / 127.5 and they are all rounded to 0; E is 1 as before.
    scores, values = np.zeros((1, 4, KEYS), np.float32), np.ones((1, KEYS, 2), np.float32)
    over = [Ranges((0.0, 0.0), largest, (0.0, 1.0), 0.0) for largest in (1 / 256, 1.0)]
    alone, among_others = (gains(scores, values, each, "U16") for each in over)
    assert alone[0] == pytest.approx(0.0, abs=1e-4)
    assert among_others[0] == pytest.approx(20 * np.log10(256), abs=1e-4)
    assert among_others[1] > 30


def test_keys_too_small_for_a_code_count_as_average_ones() -> None:
    # One key has E = 1 and V = 0, 255 have E = 1 / 512 and V = 2. In S8 1 / 512 is 0, so Softmax(S) V, which is
    # (255 / 512 * 2) / (1 + 255 / 512) = 0.665, comes out as 0: all of it is noise. With c = 255 / 256 * 2 = 1.992 the
    # same keys have V - c = 0.0078, and 0.498 * 0.0078 / 1.498 = 0.0026 is lost with them. V - c of the first, -1.992,
    # is 127 steps of 2 / 127.5; its E is 127 / 127.5, the largest code, so it counts for 0.0039 * 1.992 / 1.498 =
    # 0.0052 less. The difference, 0.0026, is what is left of 0.665: 48 dB. A sum in U8 loses the small keys, too.
    scores = np.full((1, 4, KEYS), -np.log(512.0), np.float32)
    values = np.full((1, KEYS, 2), 2.0, np.float32)
    scores[..., 0], values[:, 0] = 0.0, 0.0
    over = replace(own(scores, values), centred=2.0)
    wide, narrow = (gains(scores, values, over, quotient)[1] for quotient in ("U16", "U8"))
    assert wide == pytest.approx(48.0, abs=0.2)
    assert narrow < 1


def test_places_with_one_v_share_its_mean() -> None:
    end = "y0 = MatMul(a, kv)\n s = Mul(x, x)\n b = Softmax(s)\n y1 = MatMul(b, kv)\n y = Add(y0, y1)"
    model = attention(end=end)
    places, _ = long_rows(view(model))
    at_once = deferred(model, places)
    later_first = deferred(deferred(model, places[1:]), places[:1])  # as where places are taken back one by one
    for changed in (at_once, later_first):
        onnx.checker.check_model(changed, full_check=True)
        operators = Counter(node.op_type for node in changed.graph.node)
        assert (len(places), operators["ReduceMean"], operators["Exp"]) == (2, 1, 2)


@pytest.mark.parametrize("opset", [12, 13, 18, 20])
def test_the_division_goes_behind_the_product_and_the_function_stays(opset: int) -> None:
    model = attention(opset=opset)
    places, _ = long_rows(view(model))
    changed = deferred(model, places)
    onnx.checker.check_model(changed, full_check=True)
    before, after = (Probe(each, {}, ["y"])(rows(alike=False))[0] for each in (model, changed))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5 * np.abs(before).max())
    gone, come = (Counter(node.op_type for node in each.graph.node) for each in (model, changed))
    assert gone - come == Counter(["Softmax"])
    assert come - gone == Counter(["ReduceMax", "Sub", "Exp", "ReduceSum", "Div", "ReduceMean", "Sub", "Add"])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (attention(axis=1), "Softmax is not over the last axis"),
        (attention(end="ya = MatMul(a, kv)\n b = Relu(a)\n yb = MatMul(b, kv)\n y = Add(ya, yb)"), "with V alone"),
        (attention(end="y = MatMul(a, w)"), "with V alone"),  # a constant: nothing says that it is V
        (graph(f"(float[1,4,{LONG - 1}] x) => (float[1,4,4] y) {{ a = Softmax(x)\n t = Transpose<perm = [0, 2, 1]>(x)\n"
               " y = MatMul(a, t) }"), f"rows have fewer than {LONG} keys"),
    ],
)  # fmt: skip
def test_what_is_no_place_for_it_is_counted_with_the_reason(model: onnx.ModelProto, reason: str) -> None:
    places, refused = long_rows(view(onnx.shape_inference.infer_shapes(model)))
    assert places == []
    (message,) = refused
    assert reason in message


def test_equalize_defers_where_that_wins_and_lists_it() -> None:
    result = equalize(attention(), [], [rows(alike=False)], attention="U16")
    (site,) = result.sites
    assert (site.technique, site.tensor, site.channels) == ("attention", "x", KEYS)
    assert site.measured > 10
    assert result.relative <= 1e-5
    assert "Div" in {node.op_type for node in result.model.graph.node}


def test_equalize_leaves_attention_that_wins_nothing() -> None:
    model = attention()
    result = equalize(model, [], [rows(alike=True)], attention="U16")
    assert result.model is model
    assert result.sites == ()
    assert dict(result.refused) == {("attention", "it won less than 3 dB when it was tried"): 1}
