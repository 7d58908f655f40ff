"""QDQ models: the parameters by hand, what is left alone, the same bytes everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.calibration.preprocess import ImageSpec
from recipebuild.quantize.calibrate import calibrate
from recipebuild.quantize.prepare import prepare
from recipebuild.quantize.qdq import insert_qdq, qdq_counts

Make = Callable[..., onnx.ModelProto]


class Quantized:
    """A quantized model and what a test asks of it."""

    def __init__(self, model: onnx.ModelProto, spec: ImageSpec, batches: list[Any]) -> None:
        self.source = prepare(model, spec)
        self.model = insert_qdq(self.source, calibrate(self.source, batches, "MinMax"))
        onnx.checker.check_model(self.model, full_check=True)
        self.stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
        self.made_by = {name: node for node in self.model.graph.node for name in node.output}

    def operators(self) -> list[str]:
        return [node.op_type for node in self.model.graph.node if not node.op_type.endswith("Linear")]

    def parameters(self, operator: str, position: int) -> tuple[Any, Any]:
        """Scale and zero point with which that input of the operator is dequantized."""
        [node] = [node for node in self.model.graph.node if node.op_type == operator]
        dequantize = self.made_by[node.input[position]]
        assert dequantize.op_type == "DequantizeLinear"
        return self.stored[dequantize.input[1]], self.stored[dequantize.input[2]]

    def run(self, batch: Any) -> list[Any]:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        session = ort.InferenceSession(self.model.SerializeToString(), options)
        return list(session.run(None, {"pixel_values": batch}))


def convolution(make_model: Make) -> onnx.ModelProto:
    """pixel_values -> Conv to two channels -> Relu -> ArgMax."""
    weight = np.array([[1, -2, 0.5], [0.25, 0.125, -0.125]], np.float32)[:, :, None, None]
    nodes = [
        helper.make_node("Conv", ["pixel_values", "weight", "bias"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("ArgMax", ["relu"], ["output"], axis=1, keepdims=1),
    ]
    constants = {"weight": weight, "bias": np.array([0.5, -0.25], np.float32)}
    return make_model(nodes, ["output"], constants, kinds={"output": TensorProto.INT64})


def test_parameters_of_a_convolution_are_those_worked_out_by_hand(
    make_model: Make, spec: ImageSpec, batches: list[Any]
) -> None:
    quantized = Quantized(convolution(make_model), spec, batches)

    scale, zero_point = quantized.parameters("Conv", 0)  # -2 to 4
    assert scale == np.float32(6 / 255)
    assert (zero_point.dtype, zero_point) == (np.uint8, 85)  # 2 / (6 / 255)

    scales, zero_points = quantized.parameters("Conv", 1)
    np.testing.assert_allclose(scales, [2 / 127, 0.25 / 127], rtol=1e-6)
    assert (zero_points.dtype, zero_points.tolist()) == (np.int8, [0, 0])
    codes = quantized.stored["weight_quantized"]
    assert codes.reshape(2, 3).tolist() == [[64, -127, 32], [127, 64, -64]]  # 63.5 and 31.75 are rounded to even

    bias_scales, bias_zero_points = quantized.parameters("Conv", 2)
    np.testing.assert_allclose(bias_scales, scale * scales, rtol=1e-6)
    assert (bias_zero_points.dtype, bias_zero_points.tolist()) == (np.int32, [0, 0])
    np.testing.assert_array_equal(quantized.stored["bias_quantized"], np.round([0.5, -0.25] / bias_scales))


def test_the_convolution_takes_the_range_behind_its_relu(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    quantized = Quantized(convolution(make_model), spec, batches)
    assert quantized.operators() == ["Conv", "ArgMax"]
    highest = max(float(quantized_output(quantized.source, "relu", batch).max()) for batch in batches)
    scale, zero_point = quantized.parameters("ArgMax", 0)
    assert scale == pytest.approx(highest / 255)
    assert zero_point == 0


def quantized_output(model: onnx.ModelProto, name: str, batch: Any) -> Any:
    """A tensor inside a float model."""
    inside = onnx.ModelProto()
    inside.CopyFrom(model)
    inside.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return ort.InferenceSession(inside.SerializeToString()).run([name], {"pixel_values": batch})[0]


def test_inputs_and_outputs_are_those_of_the_float_model(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    model = convolution(make_model)
    model.graph.output.insert(0, helper.make_tensor_value_info("relu", TensorProto.FLOAT, [1, 2, 4, 8]))
    quantized = Quantized(model, spec, batches)
    assert quantized.model.graph.input == model.graph.input
    assert quantized.model.graph.output == model.graph.output
    logits, classes = quantized.run(batches[1])
    np.testing.assert_allclose(logits, quantized_output(model, "relu", batches[1]), atol=0.15)
    np.testing.assert_array_equal(classes, logits.argmax(1, keepdims=True))


def test_counts_are_of_operators_and_of_activations(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    quantized = Quantized(convolution(make_model), spec, batches)
    assert qdq_counts(quantized.model) == {"quantized_nodes": 2, "qdq_pairs": 2}  # pixel_values, relu


def test_a_constant_input_works(make_model: Make, spec: ImageSpec) -> None:
    for value in (0.0, 0.5):
        batch = np.full((1, 3, 4, 8), value, np.float32)
        quantized = Quantized(convolution(make_model), spec, [batch])
        assert (quantized.run(batch)[0] == quantized_output(quantized.source, "output", batch)).all()


def test_softmax_keeps_its_measured_range(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    nodes = [
        helper.make_node("Reshape", ["pixel_values", "flat"], ["row"]),
        helper.make_node("Mul", ["row", "little"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
        helper.make_node("MatMul", ["probabilities", "column"], ["output"]),
    ]
    constants = {"flat": np.array([1, -1]), "little": np.float32(0.1), "column": np.ones((96, 1), np.float32)}
    quantized = Quantized(make_model(nodes, ["output"], constants), spec, batches)
    scale, _ = quantized.parameters("MatMul", 0)
    assert scale < 0.02 / 255  # of 96 probabilities none is above 0.02: with 1 / 255 nearly all would be 0 or 1 / 255
    assert quantized.run(batches[0])[0].item() == pytest.approx(1, abs=0.01)


def test_both_factors_of_a_product_of_activations_are_u8(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    nodes = [
        helper.make_node("Transpose", ["pixel_values"], ["turned"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["pixel_values", "turned"], ["output"]),
    ]
    quantized = Quantized(make_model(nodes, ["output"]), spec, batches)
    first, second = quantized.parameters("MatMul", 0), quantized.parameters("MatMul", 1)
    assert first == second == (np.float32(6 / 255), 85)  # the Transpose shares its input's
    assert first[1].dtype == np.uint8


def test_a_matrix_of_weights_has_a_scale_per_column(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    weight = np.diag([1, 2, 3, 4, 5, 6, 7, 8]).astype(np.float32)
    for stacked in (weight, weight[None, None]):
        model = make_model(
            [helper.make_node("MatMul", ["pixel_values", "weight"], ["output"])], ["output"], {"weight": stacked}
        )
        scales, zero_points = Quantized(model, spec, batches).parameters("MatMul", 1)
        np.testing.assert_allclose(scales, np.arange(1, 9) / 127, rtol=1e-6)
        assert zero_points.dtype == np.int8


def test_a_constant_summand_is_u8_over_its_own_values(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    constant = np.array([-1, 0, 50], np.float32)[:, None, None]
    model = make_model([helper.make_node("Add", ["pixel_values", "c"], ["output"])], ["output"], {"c": constant})
    scale, zero_point = Quantized(model, spec, batches).parameters("Add", 1)
    assert (scale, zero_point) == (np.float32(51 / 255), 5)
    assert zero_point.dtype == np.uint8


def test_layer_normalization_has_exact_weights(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    gain = np.array([1, 0.001, 100, 1, 1, 1, 1, 1], np.float32)
    nodes = [helper.make_node("LayerNormalization", ["pixel_values", "gain", "offset"], ["output"])]
    model = make_model(nodes, ["output"], {"gain": gain, "offset": np.arange(8, dtype=np.float32)})
    quantized = Quantized(model, spec, batches)
    scales, _ = quantized.parameters("LayerNormalization", 1)
    np.testing.assert_allclose(scales * quantized.stored["gain_quantized"], gain, rtol=1e-6)


def test_other_operators_and_integers_stay_as_they_are(make_model: Make, spec: ImageSpec, batches: list[Any]) -> None:
    nodes = [
        helper.make_node("Erf", ["pixel_values"], ["erf"]),
        helper.make_node("Cast", ["erf"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Add", ["whole", "one"], ["output"]),
    ]
    model = make_model(nodes, ["output"], {"one": np.array(1)}, kinds={"output": TensorProto.INT64})
    quantized = Quantized(model, spec, batches)
    assert [node.op_type for node in quantized.model.graph.node] == ["Erf", "Cast", "Add"]


def test_another_process_gives_the_same_bytes(
    make_model: Make, spec: ImageSpec, batches: list[Any], tmp_path: Path
) -> None:
    onnx.save(convolution(make_model), tmp_path / "model.onnx")
    np.save(tmp_path / "batches.npy", np.stack(batches))
    program = """
        import sys
        import numpy as np, onnx
        from recipebuild.calibration.preprocess import ImageSpec
        from recipebuild.quantize.calibrate import calibrate
        from recipebuild.quantize.prepare import prepare
        from recipebuild.quantize.qdq import insert_qdq

        model = prepare(onnx.load(sys.argv[1]), ImageSpec(shape=(1, 3, 4, 8), mean=(0, 0, 0), std=(1, 1, 1)))
        quantized = insert_qdq(model, calibrate(model, list(np.load(sys.argv[2])), "KL"))
        sys.stdout.buffer.write(quantized.SerializeToString(deterministic=True))
    """
    files = [str(tmp_path / "model.onnx"), str(tmp_path / "batches.npy")]
    bytes_of = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), *files],
            capture_output=True,
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder)},
        )
        bytes_of.append(done.stdout)
    assert bytes_of[0] == bytes_of[1]
    assert onnx.ModelProto.FromString(bytes_of[0]).graph.node
