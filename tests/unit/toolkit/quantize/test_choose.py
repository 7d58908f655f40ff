"""``method: auto``: the range of each tensor that loses least in what takes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.quantize.calibrate import Method, group_ranges, measure
from recipebuild.toolkit.quantize.choose import chosen
from recipebuild.toolkit.quantize.parameters import baked
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.ranges import Range


def methods(text: str, batch: Any, layers: Any = (), **stored: Any) -> tuple[dict[str, Range], dict[str, Method]]:
    model = prepare(onnx.shape_inference.infer_shapes(graph(text, **stored)), None, wide=bool(layers))
    plan = planned(model, layers)
    weighed = baked(model, plan)
    ranges, best = chosen(weighed, plan, measure(weighed, plan, [batch], "auto"), [batch])
    for name, method in best.items():
        assert ranges[name] == group_ranges(plan, measure(weighed, plan, [batch], method), method)[name]
    return ranges, best


@pytest.fixture
def with_outlier() -> Any:
    """65,536 normally distributed numbers in rows of 8, and in the first row's last place a lone 60."""
    values = np.random.default_rng(0).normal(size=(1, 8192, 8)).clip(-3, 3).astype(np.float32)
    values[0, 0, 7] = 60
    return values


def test_what_takes_a_tensor_says_whether_its_outlier_counts(with_outlier: Any) -> None:
    # x @ W, where W takes the channel of the outlier a thousand times less or more than the others: once clipping the
    # 60 costs next to nothing, and a step of 63 / 255 all the others; once all that comes out is that one value.
    text = "(float[1,8192,8] x, float[8,4] w) => (float[1,8192,4] y) { y = MatMul(x, w) }"
    weights = np.random.default_rng(1).normal(size=(8, 4))
    for factor, clips in ((1e-3, True), (1e3, False)):
        scaled = weights * np.where(np.arange(8) == 7, factor, 1.0)[:, None]
        ranges, best = methods(text, with_outlier, w=scaled)
        assert (best["x"] != "MinMax") == clips
        assert (ranges["x"].high < 60) == clips


def test_what_a_softmax_gives_is_never_clipped_by_kl() -> None:
    values = np.zeros((1, 64, 256), np.float32)
    values[:, :, 0] = 12.0
    _, best = methods("(float[1,64,256] x) => (float[1,64,256] y) { a = Softmax(x)\n y = Mul(a, a) }", values)
    assert best["a"] != "KL"


def test_what_nothing_computes_with_goes_by_its_own_error(with_outlier: Any) -> None:
    # A model's output: its values are all that counts, and 60 clipped to 3 would be 57^2 of error for 65,536 times
    # (63 / 255)^2 / 12 = 0.005, which is 335: so it stays.
    _, best = methods("(float[1,8192,8] x) => (float[1,8192,8] y) { y = Abs(x) }", with_outlier)
    assert best["y"] in ("MinMax", "MSE")


def test_16_bits_keep_the_whole_range(with_outlier: Any) -> None:
    text = "(float[1,8192,8] x) => (float[1,8192,8] y) { y = Abs(x) }"
    _, best = methods(text, with_outlier, [{"op_type": "Abs", "data_type": "U16"}])
    assert set(best.values()) == {"MinMax"}
