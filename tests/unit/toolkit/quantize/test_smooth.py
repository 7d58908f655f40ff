"""SmoothQuant: the function stays, outliers go into the weights, the threshold decides where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.smooth import smoothed

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]

GAIN = np.array([100, 1, 1, 1, 1, 1, 1, 1], np.float32)  # the first channel is an outlier


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], output, **attributes)


@pytest.fixture
def model(make_model: Make, spec: ImageSpec) -> onnx.ModelProto:
    """A LayerNormalization over 8 channels -> a MatMul; and, moved to the front, a Conv."""
    rng = np.random.default_rng(0)
    nodes = [
        node("LayerNormalization", "pixel_values gain shift", "norm"),
        node("MatMul", "norm weight", "product"),
        node("Transpose", "norm", "turned", perm=[0, 3, 1, 2]),
        node("Conv", "turned kernel", "conv"),
    ]
    constants = {
        "gain": GAIN,
        "shift": rng.normal(size=8).astype(np.float32),
        "weight": rng.normal(size=(8, 4)).astype(np.float32),
        "kernel": rng.normal(size=(4, 8, 1, 1)).astype(np.float32),
    }
    return prepare(make_model(nodes, ["product", "conv"], constants), spec)


def run(model: onnx.ModelProto, batch: Any) -> list[Any]:
    return list(ort.InferenceSession(model.SerializeToString()).run(None, {"pixel_values": batch}))


def held(model: onnx.ModelProto, name: str, position: int) -> Any:
    [holder] = [operator for operator in model.graph.node if operator.name == name]
    return numpy_helper.to_array(
        next(tensor for tensor in model.graph.initializer if tensor.name == holder.input[position])
    )


def test_the_function_stays_and_the_outlier_goes(model: onnx.ModelProto, batches: list[Any]) -> None:
    made, where = smoothed(model, batches, threshold=0.2, strength=0.5)
    assert where == ("norm",)
    for batch in batches:
        for expected, actual in zip(run(model, batch), run(made, batch), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
    before, after = (held(version, "norm", 1) for version in (model, made))
    assert after.max() / np.median(after) < 0.2 * before.max() / np.median(before)
    assert not {"gain", "weight", "kernel"} & {tensor.name for tensor in made.graph.initializer}


def test_the_scale_by_hand(make_model: Make, spec: ImageSpec) -> None:
    # One row 3, 4 of mean 3.5 and deviation 0.5: normalized -1, 1; times the gain: -16, 1.
    nodes = [node("LayerNormalization", "pixel_values gain", "norm"), node("MatMul", "norm weight", "output")]
    constants = {"gain": np.array([16, 1], np.float32), "weight": np.array([[4, -1], [0.25, 0.25]], np.float32)}
    spec = spec.model_copy(update={"shape": (1, 3, 1, 2)})
    model = prepare(make_model(nodes, ["output"], constants, shape=(1, 3, 1, 2)), spec)
    batch = np.array([3, 4] * 3, np.float32).reshape(1, 3, 1, 2)
    made, _ = smoothed(model, [batch], threshold=1, strength=0.5)
    scale = [(16 / 4) ** 0.5, (1 / 0.25) ** 0.5]  # 2 and 2
    np.testing.assert_allclose(held(made, "norm", 1), [16 / scale[0], 1 / scale[1]], rtol=1e-3)
    np.testing.assert_allclose(held(made, "output", 1), [[8.0, -2.0], [0.5, 0.5]], rtol=1e-3)
    made, _ = smoothed(model, [batch], threshold=1, strength=1)  # all of it to the weights: max|X_j|
    np.testing.assert_allclose(held(made, "norm", 1), [1, 1], rtol=1e-3)


def test_the_larger_the_threshold_the_more_take_part(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    nodes, constants = [], {"weight": np.eye(8, dtype=np.float32)}
    for i, outlier in enumerate([1, 3, 30]):
        constants[f"gain{i}"] = np.array([outlier, 1, 1, 1, 1, 1, 1, 1], np.float32)
        nodes += [
            node("LayerNormalization", f"pixel_values gain{i}", f"norm{i}"),
            node("MatMul", f"norm{i} weight", f"output{i}"),
        ]
    model = prepare(make_model(nodes, ["output0", "output1", "output2"], constants), spec)
    counts = [len(smoothed(model, batches, threshold, 0.6)[1]) for threshold in (0, 0.2, 0.6, 1)]
    assert counts == [0, 1, 2, 3]


@pytest.mark.parametrize("other", ["Add", "output", "Softmax"])
def test_with_another_use_nothing_can_be_moved(
    make_model: Make, spec: ImageSpec, batches: list[Any], other: str
) -> None:
    nodes = [node("LayerNormalization", "pixel_values gain", "norm"), node("MatMul", "norm weight", "product")]
    outputs = ["product", "norm"] if other == "output" else ["product", "use"]
    if other != "output":
        nodes.append(node(other, "norm norm" if other == "Add" else "norm", "use"))
    constants = {"gain": GAIN, "weight": np.eye(8, dtype=np.float32)}
    model = prepare(make_model(nodes, outputs, constants), spec)
    made, where = smoothed(model, batches, threshold=1, strength=0.6)
    assert where == ()
    assert made == model


def test_quantization_loses_less(model: onnx.ModelProto, batches: list[Any], quantize: Quantize) -> None:
    made, _ = smoothed(model, batches, threshold=0.2, strength=0.5)
    losses = []
    for each in (model, made):
        quantized = quantize(each)
        expected = [run(model, batch)[0] for batch in batches]
        losses.append(sum(np.square(quantized.run(b)[0] - e).sum() for b, e in zip(batches, expected, strict=True)))
    assert losses[1] < 0.5 * losses[0]
