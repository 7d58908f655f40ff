"""QDQ models: the same interface, the same bytes everywhere."""

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
from onnx import TensorProto, helper

from recipebuild.toolkit.quantize.write import qdq_counts

Make = Callable[..., onnx.ModelProto]
Quantize = Callable[..., Any]


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


def quantized_output(model: onnx.ModelProto, name: str, batch: Any) -> Any:
    """A tensor inside a float model."""
    inside = onnx.ModelProto()
    inside.CopyFrom(model)
    inside.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return ort.InferenceSession(inside.SerializeToString()).run([name], {"pixel_values": batch})[0]


def test_inputs_and_outputs_are_those_of_the_float_model(
    make_model: Make, quantize: Quantize, batches: list[Any]
) -> None:
    model = convolution(make_model)
    model.graph.output.insert(0, helper.make_tensor_value_info("relu", TensorProto.FLOAT, [1, 2, 4, 8]))
    quantized = quantize(model)
    assert quantized.model.graph.input == model.graph.input
    assert quantized.model.graph.output == model.graph.output
    logits, classes = quantized.run(batches[1])
    np.testing.assert_allclose(logits, quantized_output(model, "relu", batches[1]), atol=0.15)
    np.testing.assert_array_equal(classes, logits.argmax(1, keepdims=True))


def test_counts_are_of_operators_and_of_activations(make_model: Make, quantize: Quantize, batches: list[Any]) -> None:
    quantized = quantize(convolution(make_model))
    assert qdq_counts(quantized.model) == {"quantized_nodes": 2, "qdq_pairs": 2}  # pixel_values, relu


def test_a_constant_input_works(make_model: Make, quantize: Quantize) -> None:
    for value in (0.0, 0.5):
        batch = np.full((1, 3, 4, 8), value, np.float32)
        quantized = quantize(convolution(make_model), on=[batch])
        assert (quantized.run(batch)[0] == quantized_output(quantized.source, "output", batch)).all()


def test_softmax_keeps_its_measured_range(make_model: Make, quantize: Quantize, batches: list[Any]) -> None:
    nodes = [
        helper.make_node("Reshape", ["pixel_values", "flat"], ["row"]),
        helper.make_node("Mul", ["row", "little"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
        helper.make_node("MatMul", ["probabilities", "column"], ["output"]),
    ]
    constants = {"flat": np.array([1, -1]), "little": np.float32(0.1), "column": np.ones((96, 1), np.float32)}
    quantized = quantize(make_model(nodes, ["output"], constants))
    scale, _ = quantized.parameters("MatMul", 0)
    assert scale < 0.02 / 255  # of 96 probabilities none is above 0.02: with 1 / 255 nearly all would be 0 or 1 / 255
    assert quantized.run(batches[0])[0].item() == pytest.approx(1, abs=0.01)


def test_another_process_gives_the_same_bytes(make_model: Make, batches: list[Any], tmp_path: Path) -> None:
    onnx.save(convolution(make_model), tmp_path / "model.onnx")
    np.save(tmp_path / "batches.npy", np.stack(batches))
    program = """
        import sys
        import numpy as np, onnx
        from recipebuild.toolkit.calibration.spec import ImageSpec
        from recipebuild.toolkit.quantize.calibrate import group_ranges, measure
        from recipebuild.toolkit.quantize.planner import planned
        from recipebuild.toolkit.quantize.prepare import prepare
        from recipebuild.toolkit.quantize.quant_json import quant_json
        from recipebuild.toolkit.quantize.parameters import baked, settle
        from recipebuild.toolkit.quantize.write import written

        model = prepare(onnx.load(sys.argv[1]), ImageSpec(shape=(1, 3, 4, 8), mean=(0, 0, 0), std=(1, 1, 1)))
        plan = planned(model, [{"op_type": "Conv", "data_type": "S8"}])
        ranges = group_ranges(plan, measure(baked(model, plan), plan, list(np.load(sys.argv[2])), "KL"), "KL")
        settled = settle(model, plan, ranges)
        sys.stdout.buffer.write(quant_json(model, plan, settled).encode())
        sys.stdout.buffer.write(b"|" + written(model, plan, settled).SerializeToString(deterministic=True))
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
    assert onnx.ModelProto.FromString(bytes_of[0].partition(b"|")[2]).graph.node
