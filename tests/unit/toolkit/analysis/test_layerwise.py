"""The error of each tensor, against the same computed with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.analysis.channels import other_axes
from recipebuild.toolkit.analysis.layerwise import Error, LayerError, layer_errors
from recipebuild.toolkit.analysis.tensor_pairs import find_twins


def errors(model: onnx.ModelProto, quantized: onnx.ModelProto, images: Any) -> dict[str, LayerError]:
    return layer_errors(model, quantized, find_twins(model, quantized), other_axes(model), iter(images))


def check(error: Error, right: list[Any], got: list[Any]) -> None:
    a, b = (np.concatenate([tensor.ravel() for tensor in values]).astype(np.float64) for values in (right, got))
    noise = np.square(a - b).sum() / np.square(a).sum()
    assert error.noise == pytest.approx(noise, rel=1e-3)
    assert error.snr_db == pytest.approx(-10 * np.log10(noise), abs=0.02)
    assert error.cosine == pytest.approx((a * b).sum() / np.sqrt(np.square(a).sum() * np.square(b).sum()), abs=1e-5)
    assert error.mse == pytest.approx(np.square(a - b).mean(), rel=1e-3)


def test_both_senses_are_what_numpy_finds_over_all_images(make_pair) -> None:
    pair = make_pair()
    measured = errors(pair.model, pair.quantized, pair.images)
    assert list(measured) == ["x", "a", "y"]
    for name, error in measured.items():
        right = [pair.float(x)[name] for x in pair.images]
        check(error.alone, right, [pair.alone(x)[name] for x in pair.images])
        check(error.end_to_end, right, [pair.end_to_end(x)[name] for x in pair.images])


def test_a_layer_is_not_blamed_for_what_was_lost_before_it(make_pair) -> None:
    pair = make_pair(a=1.0)
    measured = errors(pair.model, pair.quantized, pair.images)
    fine = make_pair()
    before = errors(fine.model, fine.quantized, fine.images)
    assert measured["x"] == before["x"]
    assert measured["a"].alone.snr_db < before["a"].alone.snr_db - 10
    # The second layer takes the coarse codes, so that it is to blame, too; and the first one's rounding comes on top.
    assert measured["y"].end_to_end.noise > before["y"].end_to_end.noise


def test_range_and_outliers_are_those_of_the_float_tensor(make_pair) -> None:
    pair = make_pair()
    images = [image * np.array([1, 8, 1], np.float32)[None, :, None, None] for image in pair.images]
    measured = errors(pair.model, pair.quantized, images)["x"]
    peaks = np.abs(np.concatenate(images)).max((0, 2, 3))
    assert measured.low == pytest.approx(min(image.min() for image in images), rel=1e-3)
    assert measured.high == pytest.approx(max(image.max() for image in images), rel=1e-3)
    assert measured.outlier == pytest.approx(np.log2(peaks.max() / np.median(peaks)), abs=0.01)
    assert measured.outlier > 2.5


def test_equal_tensors_have_no_noise_and_tensors_of_zeros_no_cosine() -> None:
    model = onnx.shape_inference.infer_shapes(
        graph("(float[1,2,2,2] x) => (float[1,2,2,2] y) { z = Sub(x, x) y = Add(x, z) }")
    )
    measured = errors(model, model, [np.ones((1, 2, 2, 2), np.float32)])
    assert measured["y"].alone == Error(cosine=1.0, snr_db=None, mse=0.0, noise=0.0)
    assert measured["z"].end_to_end == Error(cosine=None, snr_db=None, mse=0.0, noise=0.0)
    assert measured["z"].outlier is None


@pytest.mark.parametrize("opset", [13, 17, 20])
def test_it_measures_channels_at_every_opset(opset: int) -> None:
    text = "(float[1,2,2,2] x) => (float[1,2,2,2] y) { y = Mul(x, x) }"
    model = onnx.shape_inference.infer_shapes(graph(text, opset=opset))
    image = np.array([[[[1, 1], [1, 1]], [[4, 4], [4, 4]]]], np.float32)
    assert errors(model, model, [image])["y"].outlier == pytest.approx(np.log2(16 / 8.5), abs=0.01)


def test_images_come_one_at_a_time(make_pair) -> None:
    pair = make_pair()
    done: list[int] = []
    seen: list[int] = []

    def images() -> Any:
        for number, image in enumerate(pair.images):
            seen.append(len(done))
            assert len(done) == number
            yield image

    layer_errors(
        pair.model, pair.quantized, find_twins(pair.model, pair.quantized), other_axes(pair.model), images(),
        done.append,
    )  # fmt: skip
    assert seen == [0, 1, 2] and done == [1, 2, 3]
