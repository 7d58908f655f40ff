"""Products of 8-bit tensors are exact sums of integers, and what is no such product is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.toolkit.evaluate.integer_products import LONGEST_SUM, multiply_in_integers, runnable
from recipebuild.toolkit.evaluate.runners import open_model

Stored = dict[str, Any]


def model(nodes: list[onnx.NodeProto], shapes: dict[str, list[int]], stored: Stored, outputs: dict[str, int]) -> Any:
    """A model with float inputs of these shapes; ``outputs`` are types by name."""
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def pair(name: str) -> list[onnx.NodeProto]:
    """Quantize the tensor ``name``, and dequantize it as ``name_d``."""
    parameters = [f"{name}_s", f"{name}_z"]
    return [
        helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}_q"]),
        helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_d"]),
    ]


def parameters(name: str, scale: float, zero_point: Any) -> Stored:
    return {f"{name}_s": np.float32(scale), f"{name}_z": zero_point}


def scores(a: Stored, b: Stored, k: int = 4) -> Any:
    """a b, both computed and quantized."""
    product = helper.make_node("MatMul", ["a_d", "b_d"], ["y"])
    return model([*pair("a"), *pair("b"), product], {"a": [2, k], "b": [k, 3]}, {**a, **b}, {"y": TensorProto.FLOAT})


def linear(weights: Any, scale: Any, axis: int, rows: list[int]) -> Any:
    """a w, with stored codes of w."""
    stored = {**parameters("a", 0.5, np.uint8(3)), "w": weights, "w_s": scale, "w_z": np.zeros(scale.shape, np.int8)}
    nodes = [
        *pair("a"), helper.make_node("DequantizeLinear", ["w", "w_s", "w_z"], ["w_d"], axis=axis),
        helper.make_node("MatMul", ["a_d", "w_d"], ["y"]),
    ]  # fmt: skip
    return model(nodes, {"a": rows}, stored, {"y": TensorProto.FLOAT})


def run(made: Any, **feeds: Any) -> list[Any]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return list(ort.InferenceSession(made.SerializeToString(), options).run(None, feeds))


def operators(made: Any) -> list[str]:
    return [node.op_type for node in made.graph.node]


def test_a_product_worked_out_by_hand() -> None:
    made = scores(parameters("a", 0.5, np.uint8(10)), parameters("b", 0.25, np.uint8(100)), k=2)
    assert multiply_in_integers(made) == 1
    assert operators(made) == ["QuantizeLinear", "QuantizeLinear", "MatMulIntegerToFloat"]
    # Codes of a: [[12, 9], [10, 255]]; less 10: [[2, -1], [0, 245]]. Of b: [[104, 100, 0], [99, 255, 100]]; less 100:
    # [[4, 0, -100], [-1, 155, 0]]. The scales come to 0.125.
    a = np.array([[1.0, -0.5], [0.0, 999.0]], np.float32)
    b = np.array([[1.0, 0.0, -99.0], [-0.25, 99.0, 0.0]], np.float32)
    [y] = run(made, a=a, b=b)
    expected = 0.125 * np.array([[8 + 1, -155, -200], [-245, 245 * 155, 0]])
    assert (y == expected).all()


def test_signed_codes_move_up_by_128() -> None:
    made = scores(parameters("a", 1.0, np.int8(0)), parameters("b", 1.0, np.int8(-5)), k=2)
    assert multiply_in_integers(made) == 1
    # The lowest and highest codes: -128 x 127 twice is more than 16 bits hold.
    a = np.array([[-500.0, -500.0], [500.0, -500.0]], np.float32)
    b = np.array([[500.0, -500.0, 1.0], [500.0, -500.0, 1.0]], np.float32)
    [y] = run(made, a=a, b=b)
    assert y.tolist() == [[-128 * (132 + 132), 128 * (123 + 123), -128 * 2], [-132, 123, -1]]


@pytest.mark.parametrize("heads", [(), (2,)])
def test_stored_weights_keep_a_scale_for_each_column(heads: tuple[int, ...]) -> None:
    weights = np.array([[127, -128], [1, 2]], np.int8)
    weights = np.broadcast_to(weights, (*heads, 2, 2)).copy()
    made = linear(weights, np.array([1.0, 4.0], np.float32), weights.ndim - 1, [*heads, 1, 2])
    assert multiply_in_integers(made) == 1 and "DequantizeLinear" not in operators(made)
    a = np.broadcast_to(np.array([[1.0, -1.0]], np.float32), (*heads, 1, 2)).copy()
    [y] = run(made, a=a)
    assert y.reshape(-1, 2).tolist() == [[1.0 * 127 - 1.0, 4.0 * (1.0 * -128 - 2.0)]] * (2 if heads else 1)


def test_sums_are_exact_where_float32_rounds() -> None:
    codes = np.random.default_rng(0)
    a, b = (codes.integers(100, 256, shape).astype(np.float32) for shape in ((64, 4096), (4096, 64)))
    made = scores(parameters("a", 1.0, np.uint8(0)), parameters("b", 1.0, np.uint8(0)), k=4096)
    for value, shape in zip(made.graph.input, (a.shape, b.shape), strict=True):
        for size, length in zip(value.type.tensor_type.shape.dim, shape, strict=True):
            size.dim_value = length
    exact = (a.astype(np.int64) @ b.astype(np.int64)).astype(np.float32)
    assert (run(made, a=a, b=b)[0] != exact).any(), "beyond 2^24"
    multiply_in_integers(made)
    assert (run(made, a=a, b=b)[0] == exact).all()


def test_what_dequantized_tensors_else_go_to_stays() -> None:
    made = scores(parameters("a", 0.5, np.int8(0)), parameters("b", 0.5, np.uint8(3)))
    made.graph.node.append(helper.make_node("Relu", ["a_d"], ["r"]))
    made.graph.output.append(helper.make_tensor_value_info("r", TensorProto.FLOAT, None))
    feeds = {"a": np.linspace(-9, 9, 8, dtype=np.float32).reshape(2, 4), "b": np.ones((4, 3), np.float32)}
    before = run(made, **feeds)
    assert multiply_in_integers(made) == 1 and operators(made).count("DequantizeLinear") == 1
    assert all(np.allclose(one, other, rtol=1e-6) for one, other in zip(before, run(made, **feeds), strict=True))


def sixteen_bits() -> Any:
    return scores(parameters("a", 0.5, np.uint16(3)), parameters("b", 0.5, np.uint8(3)))


def too_long() -> Any:
    return scores(parameters("a", 0.5, np.uint8(3)), parameters("b", 0.5, np.uint8(3)), k=LONGEST_SUM + 1)


def no_size() -> Any:
    made = scores(parameters("a", 0.5, np.uint8(3)), parameters("b", 0.5, np.uint8(3)))
    made.graph.input[1].type.tensor_type.ClearField("shape")
    return made


def float_side() -> Any:
    made = scores(parameters("a", 0.5, np.uint8(3)), parameters("b", 0.5, np.uint8(3)))
    made.graph.node[-1].input[1] = "b"
    return made


def signed_codes_as_an_output() -> Any:
    made = scores(parameters("a", 0.5, np.int8(3)), parameters("b", 0.5, np.uint8(3)))
    made.graph.output.append(helper.make_tensor_value_info("a_q", TensorProto.INT8, None))
    return made


def scales_by_row() -> Any:
    return linear(np.ones((2, 2), np.int8), np.array([1.0, 4.0], np.float32), 0, [1, 2])


@pytest.mark.parametrize(
    "make", [sixteen_bits, too_long, no_size, float_side, signed_codes_as_an_output, scales_by_row]
)
def test_other_products_are_left_as_they_are(make: Callable[[], Any]) -> None:
    made = make()
    before = made.SerializeToString()
    assert multiply_in_integers(made) == 0 and made.SerializeToString() == before


def test_the_longest_sum_fits() -> None:
    assert LONGEST_SUM * 255**2 <= 2**31 - 1 < (LONGEST_SUM + 1) * 255**2
    made = scores(parameters("a", 1.0, np.uint8(0)), parameters("b", 1.0, np.uint8(0)), k=LONGEST_SUM)
    assert multiply_in_integers(made) == 1
    feeds = {"a": np.full((2, LONGEST_SUM), 255, np.float32), "b": np.full((LONGEST_SUM, 3), 255, np.float32)}
    assert (run(made, **feeds)[0] == np.float32(LONGEST_SUM * 255**2)).all()


def test_only_quantized_models_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(scores(parameters("a", 0.5, np.uint8(3)), parameters("b", 0.5, np.uint8(3))), path)
    assert isinstance(runnable(path), bytes)
    relu = helper.make_node("Relu", ["a"], ["y"])
    onnx.save(model([relu], {"a": [2]}, {}, {"y": TensorProto.FLOAT}), path)
    assert runnable(path) == path
    onnx.save(sixteen_bits(), path)
    assert runnable(path) == path, "there is nothing to do"


def test_evidence_runs_them(tmp_path: Path) -> None:
    path = tmp_path / "quantized.onnx"
    onnx.save(scores(parameters("a", 1.0, np.uint8(0)), parameters("b", 1.0, np.uint8(0)), k=LONGEST_SUM), path)
    feeds = {"a": np.full((2, LONGEST_SUM), 255, np.float32), "b": np.full((LONGEST_SUM, 3), 251, np.float32)}
    exact = np.float32(LONGEST_SUM * 255 * 251)
    assert (open_model(path).session.run(None, feeds)[0] == exact).all()
