"""Bias correction: means worked out by hand, products that have no bias to correct, and what stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.graphs import graph

from recipebuild.toolkit.equalize import bias
from recipebuild.toolkit.equalize.bias import Corrected, corrected
from recipebuild.toolkit.quantize.parameters import baked
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.probe import Probe

# A scale of 1, so codes of 127 (128 is none) and 1: rounding errors of 0.5 and -0.4.
WEIGHTS = [127.5, 0.6]


def of(model: onnx.ModelProto, *batches: Any, layers: Any = ()) -> Corrected:
    feeds = [np.asarray(batch, np.float32) for batch in batches]
    return corrected(model, prepare(model, None), layers, feeds)


def stored(model: onnx.ModelProto) -> dict[str, Any]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_the_mean_of_the_weights_error_goes_into_the_bias() -> None:
    model = graph(
        "(float[1,2] x, float[2,1] w, float[1] b) => (float[1,1] y) { y = Gemm(x, w, b) }", w=WEIGHTS, b=[10.0]
    )
    # 0.5 * 2 - 0.4 * 1 = 0.6 and 0.5 * 4 - 0.4 * 3 = 0.8: 0.7 on average. Of the noise (0.36 + 0.64) / 2 = 0.5, and
    # 0.5 - 0.7^2 = 0.01 remains: 10 log10(50) = 17 dB.
    result = of(model, [[2, 1]], [[4, 3]])
    assert stored(result.model)["b_corrected"] == pytest.approx([10.7])
    (one,) = result.biases
    assert (one.tensor, one.channels) == ("y", 1) and one.gain == pytest.approx(16.99, abs=0.01)
    assert not result.refused
    assert stored(model)["b"] == [10.0], "the model that it is made of stays as it is"


def test_padding_counts_as_it_is() -> None:
    text = "(float[1,1,1,2] x, float[1,1,1,3] k) => (float[1,1,1,2] y) { y = Conv<pads = [0, 1, 0, 1]>(x, k) }"
    model = graph(text, k=[127.5, 0.0, 0.6])
    # At the left edge 0.5 * 0 - 0.4 * 2, at the right one 0.5 * 1 - 0.4 * 0: -0.8 and 0.5, so -0.15 on average. The
    # mean of x alone, 1.5, would give 0.15.
    result = of(model, [[[[1, 2]]]])
    (node,) = result.model.graph.node
    assert list(node.input) == ["x", "k", "y_bias_corrected"]
    assert stored(result.model)["y_bias_corrected"] == pytest.approx([-0.15], abs=1e-6)


def test_the_bias_of_a_matmul_is_that_of_the_add_behind_it() -> None:
    text = """(float[1,3,2] x, float[2,1] w, float[1] b, float[2,1] v) => (float[1,3,1] y, float[1,3,1] z) {
        m = MatMul(x, w)
        y = Add(b, m)
        z = MatMul(x, v)
    }"""
    result = of(graph(text, w=WEIGHTS, b=[1.0]), [[[2, 1], [4, 3], [0, 0]]])
    assert stored(result.model)["b_corrected"] == pytest.approx([1 + (0.6 + 0.8 + 0) / 3])
    assert [node.op_type for node in result.model.graph.node] == ["MatMul", "Add", "MatMul"]
    assert result.refused == {"no bias is added to the product": 1}


def test_a_bias_that_two_take_is_another_one_for_each() -> None:
    text = """(float[1,2] x, float[2,1] w, float[2,1] v, float[1] b) => (float[1,1] y, float[1,1] z) {
        y = Gemm(x, w, b)
        z = Gemm(x, v, b)
    }"""
    result = of(graph(text, w=WEIGHTS, v=[127.5, 1.0], b=[1.0]), [[2, 1]])
    first, second = result.model.graph.node
    held = stored(result.model)
    assert [held[node.input[2]] for node in (first, second)] == [pytest.approx([1.6]), pytest.approx([2.0])]
    assert "b" not in held


@pytest.mark.parametrize(
    ("text", "constants", "reason"),
    [
        ("y = Gemm<beta = 2.0>(x, w, b)", {"b": [1.0]}, "the product is scaled"),
        ("y = Gemm(x, w, b)", {"b": [[1.0]]}, "the bias is not one number per output channel"),
    ],
)
def test_what_cannot_be_corrected_is_left_as_it_is_with_the_reason(
    text: str, constants: dict[str, Any], reason: str
) -> None:
    shape = "1" if np.ndim(constants["b"]) == 1 else "1,1"
    model = graph(
        f"(float[1,2] x, float[2,1] w, float[{shape}] b) => (float[1,1] y) {{ {text} }}", w=WEIGHTS, **constants
    )
    result = of(model, [[2, 1]])
    assert result.refused == {reason: 1}
    assert not result.biases and stored(result.model).keys() == {"w", "b"}


def test_a_bias_that_is_computed_stays_so() -> None:
    text = "(float[1,2] x, float[2,1] w, int64[1] a) => (float[1,1] y) { s = ReduceSum(x, a) y = Gemm(x, w, s) }"
    assert of(graph(text, w=WEIGHTS, a=[1]), [[2, 1]]).refused == {"the bias is computed": 1}


def test_weights_in_float_lose_nothing_that_a_bias_could_give_back() -> None:
    text = "(float[1,1,1,2] x, float[1,1,1,2] k) => (float[1,1,1,1] y) { y = Conv(x, k) }"
    layers = [{"op_type": "Conv", "weight_data_type": "FP32", "data_type": "U8"}]
    assert not of(graph(text, k=WEIGHTS), [[[[2, 1]]]], layers=layers).biases


def test_each_layer_gives_the_float_mean_once_its_weights_are_in_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all layers of a net, in as many passes as there is room for."""
    text = """(float[1,3,9,9] x, float[8,3,3,3] k1, float[8] b1, float[8,1,3,3] k2, float[5,8,1,1] k3, float[5] b3)
        => (float[1,5,9,9] y) {
        one = Conv<pads = [1, 1, 1, 1]>(x, k1, b1)
        up = Relu(one)
        apart = Conv<group = 8, pads = [1, 1, 1, 1]>(up, k2)
        y = Conv(apart, k3, b3)
    }"""
    model, rng = graph(text), np.random.default_rng(1)
    batches = [rng.normal(1, 1, (1, 3, 9, 9)).astype(np.float32) for _ in range(4)]

    def off(one: onnx.ModelProto) -> float:
        """How far the mean of the output is from the float model's, with weights that went through codes."""
        prepared = prepare(one, None)
        in_codes = baked(prepared, planned(prepared))
        means = [
            np.mean([Probe(each, {}, ["y"])(batch)[0].mean((0, 2, 3)) for batch in batches], axis=0)
            for each in (prepare(model, None), in_codes)
        ]
        return float(np.abs(means[0] - means[1]).max())

    whole = of(model, *batches)
    assert [each.tensor for each in whole.biases] == ["one", "apart", "y"]
    assert off(whole.model) < 0.1 * off(model)
    monkeypatch.setattr(bias, "_AT_ONCE", 1)
    assert of(model, *batches).model == whole.model
