"""Whole graphs: the sites that are found, the same function, the same operators, and less noise in 8 bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.graphs import graph

from recipebuild.toolkit.equalize.equalize import TECHNIQUES, Equalized, equalize
from recipebuild.toolkit.equalize.same import RELATIVE
from recipebuild.toolkit.quantize.probe import Probe

RNG = np.random.default_rng(0)
UNEVEN = np.exp2(np.arange(8) - 4.0)  # channels from 1/16 to 8

NORM = """(float[1,6,8] x, float[8] gain, float[8] shift, float[8,4] w, float[4,8,1,1] k, int64[4] s)
    => (float[1,6,4] y, float[1,4,2,3] z) {
    n = LayerNormalization(x, gain, shift)
    y = MatMul(n, w)
    t = Transpose<perm = [0, 2, 1]>(n)
    m = Reshape(t, s)
    z = Conv(m, k)
}"""

ATTENTION = """(float[1,6,8] x, float[8,8] wq, float[8,8] wk, float[8,8] wv, float[8] b, float[8,5] wo,
    int64[4] heads, int64[3] joined, float[1] half) => (float[1,6,5] y) {
    q = MatMul(x, wq)
    qh = Reshape(q, heads)
    qt = Transpose<perm = [0, 2, 1, 3]>(qh)
    k = MatMul(x, wk)
    kh = Reshape(k, heads)
    kt = Transpose<perm = [0, 2, 3, 1]>(kh)
    raw = MatMul(qt, kt)
    scores = Mul(raw, half)
    a = Softmax(scores)
    v = MatMul(x, wv)
    vb = Add(v, b)
    vh = Reshape(vb, heads)
    vt = Transpose<perm = [0, 2, 1, 3]>(vh)
    o = MatMul(a, vt)
    ot = Transpose<perm = [0, 2, 1, 3]>(o)
    oj = Reshape(ot, joined)
    y = MatMul(oj, wo)
}"""

CONVOLUTIONS = """(float[1,3,6,6] x, float[8,3,1,1] k1, float[8] b1, float[8,1,3,3] k2, float[4,8,1,1] k3)
    => (float[1,4,6,6] y) {
    one = Conv(x, k1, b1)
    up = Relu(one)
    apart = Conv<group = 8, pads = [1, 1, 1, 1]>(up, k2)
    y = Conv(apart, k3)
}"""


def norm(**more: Any) -> onnx.ModelProto:
    return graph(NORM, gain=UNEVEN, s=[1, 8, 2, 3], **more)


def attention() -> onnx.ModelProto:
    weights = {name: RNG.normal(size=(8, 8)) * UNEVEN for name in ("wq", "wv")}
    weights["wk"] = RNG.normal(size=(8, 8)) / UNEVEN
    return graph(ATTENTION, heads=[1, 6, 2, 4], joined=[1, 6, 8], half=[0.02], **weights)


def convolutions() -> onnx.ModelProto:
    first = RNG.normal(size=(8, 3, 1, 1)) * UNEVEN.reshape(8, 1, 1, 1)
    second = RNG.normal(size=(8, 1, 3, 3)) * UNEVEN[::-1].reshape(8, 1, 1, 1)
    return graph(CONVOLUTIONS, k1=first, k2=second)


def batches(model: onnx.ModelProto) -> list[Any]:
    shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    return [np.random.default_rng(seed).normal(size=shape).astype(np.float32) for seed in range(3)]


def done(model: onnx.ModelProto, techniques: Sequence[str] = tuple(TECHNIQUES)) -> Equalized:
    """Equalize, and find function and operators the same."""
    result = equalize(model, techniques, batches(model))
    onnx.checker.check_model(result.model, full_check=True)
    operators = [Counter(node.op_type for node in one.graph.node) for one in (model, result.model)]
    assert operators[0] == operators[1]
    names = [value.name for value in model.graph.output]
    for batch in batches(model):
        for before, after in zip(Probe(model, {}, names)(batch), Probe(result.model, {}, names)(batch), strict=True):
            assert np.abs(before - after).max() <= 10 * RELATIVE * np.abs(before).max()
    assert result.relative <= RELATIVE and not result.rolled_back
    return result


def test_a_model_of_several_inputs_is_fed_all_of_them() -> None:
    model = graph(
        """(float[1,6,4] x, int64[1] rate, float[4,8] w1, float[8,5] w2) => (float[1,6,5] y, int64[1] next) {
            h = MatMul(x, w1)
            o = MatMul(h, w2)
            factor = Cast<to = 1>(rate)
            y = Mul(o, factor)
            next = Add(rate, rate)
        }""",
        w1=np.random.default_rng(0).normal(size=(4, 8)) * UNEVEN,
        w2=np.ones((8, 5)),
    )
    constant = next(tensor for tensor in model.graph.initializer if tensor.name == "rate")
    model.graph.initializer.remove(constant)
    model.graph.input.append(onnx.helper.make_tensor_value_info("rate", onnx.TensorProto.INT64, [1]))
    feeds = [{"x": batch, "rate": np.array([3])} for batch in batches(model)]
    result = equalize(model, ["linear"], feeds)
    assert [site.tensor for site in result.sites] == ["h"] and result.relative <= RELATIVE
    before, after = (Probe(each, {}, ["y"])(feeds[1])[0] for each in (model, result.model))
    assert np.abs(before - after).max() <= 10 * RELATIVE * np.abs(before).max()


def held(model: onnx.ModelProto, output: str, position: int) -> Any:
    (node,) = [node for node in model.graph.node if node.output[0] == output]
    return numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == node.input[position]))


@pytest.mark.parametrize(
    ("model", "tensors"),
    [
        pytest.param(norm(), [("layer_norm", "n")], id="norm"),
        pytest.param(attention(), [("linear", "v"), ("query_key", "q")], id="attention"),
        pytest.param(convolutions(), [("linear", "one"), ("linear", "apart")], id="convolutions"),
    ],
)
def test_sites_and_what_they_win(model: onnx.ModelProto, tensors: list[tuple[str, str]]) -> None:
    result = done(model)
    assert [(site.technique, site.tensor) for site in result.sites] == tensors
    for site in result.sites:
        assert site.channels == 8
        assert site.predicted > 3 and site.measured > 1, site


def test_gain_bias_and_weights_by_the_same_scales() -> None:
    model = norm()
    result = done(model)
    scale = held(model, "n", 1) / held(result.model, "n", 1)
    assert scale.max() / scale.min() > 8
    np.testing.assert_allclose(held(result.model, "n", 2), held(model, "n", 2) / scale, rtol=1e-6)
    np.testing.assert_allclose(held(result.model, "y", 1), held(model, "y", 1) * scale[:, None], rtol=1e-6)
    channels_first = held(model, "z", 1) * scale[None, :, None, None]
    np.testing.assert_allclose(held(result.model, "z", 1), channels_first, rtol=1e-6)


def test_a_bias_on_the_way_is_scaled_too() -> None:
    model = attention()
    result = done(model, ["linear"])
    scale = held(model, "v", 1)[0] / held(result.model, "v", 1)[0]
    np.testing.assert_allclose(held(result.model, "vb", 1), held(model, "vb", 1) / scale, rtol=1e-5)


def test_what_queries_are_divided_by_keys_are_multiplied_with() -> None:
    model = attention()
    result = done(model, ["query_key"])
    left = held(model, "q", 1)[0] / held(result.model, "q", 1)[0]
    right = held(result.model, "k", 1)[0] / held(model, "k", 1)[0]
    np.testing.assert_allclose(left, right, rtol=1e-5)
    assert [site.technique for site in result.sites] == ["query_key"]


@pytest.mark.parametrize(
    ("change", "technique", "reason"),
    [
        (("y = MatMul(n, w)", "g = Sigmoid(n)\n    y = MatMul(g, w)"), "layer_norm", "Sigmoid takes it"),
        (("float[1,4,2,3] z)", "float[1,4,2,3] z, float[1,6,8] n)"), "layer_norm", "the model gives it"),
        (("y = MatMul(n, w)", "r = Add(x, n)\n    y = MatMul(r, w)"), "layer_norm", "Add takes it"),
    ],
)
def test_what_cannot_be_scaled_stays_and_says_why(change: tuple[str, str], technique: str, reason: str) -> None:
    model = graph(NORM.replace(*change), gain=UNEVEN, s=[1, 8, 2, 3])
    result = done(model)
    assert result.sites == () and result.refused[technique, reason] == 1


def test_even_channels_win_nothing_and_stay() -> None:
    model = graph(NORM, gain=np.ones(8), shift=np.zeros(8), w=np.ones((8, 4)), k=np.ones((4, 8, 1, 1)), s=[1, 8, 2, 3])
    result = done(model)
    assert result.sites == () and result.refused["layer_norm", "it would win nothing"] == 1


def test_a_constant_that_others_take_stays_for_them() -> None:
    text = NORM.replace("z)", "z, float[1,6,4] u)").replace(
        "y = MatMul(n, w)", "y = MatMul(n, w)\n    u = MatMul(x, w)"
    )
    model = graph(text.replace("float[1,4,2,3] z, float", "float[1,4,2,3] z, float"), gain=UNEVEN, s=[1, 8, 2, 3])
    result = done(model)
    assert len(result.sites) == 1
    np.testing.assert_array_equal(held(result.model, "u", 1), held(model, "u", 1))


def test_a_site_that_changes_the_function_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipebuild.toolkit.equalize.same.RELATIVE", 0.0)  # even rounding is too much then
    model = convolutions()
    result = equalize(model, ["linear"], batches(model))
    assert set(result.rolled_back) and not {site.tensor for site in result.sites} & set(result.rolled_back)
    assert result.relative == 0
