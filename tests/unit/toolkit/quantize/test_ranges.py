"""Extremes of tensors: exact, over all batches, without keeping the tensors."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from recipebuild.errors import StepError
from recipebuild.toolkit.quantize.ranges import Range, minmax

Make = Callable[..., onnx.ModelProto]


def test_extremes_are_those_over_all_batches(make_model: Make, batches: list[Any]) -> None:
    nodes = [
        helper.make_node("Relu", ["pixel_values"], ["relu"]),
        helper.make_node("Mul", ["relu", "minus_half"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["scalar"], keepdims=0),
        helper.make_node("Add", ["product", "scalar"], ["output"]),
    ]
    model = make_model(nodes, ["output"], {"minus_half": np.float32(-0.5)})
    done: list[int] = []
    ranges = minmax(model, ["pixel_values", "relu", "product", "scalar"], batches, done.append)
    assert ranges == {
        "pixel_values": Range(-2, 4),
        "relu": Range(0, 4),
        "product": Range(-2, 0),
        "scalar": Range(0, 0),
    }
    assert done == [1, 2, 3]


@pytest.mark.parametrize(("operator", "value"), [("Sqrt", -1.0), ("Log", 0.0), ("Reciprocal", 0.0)])
def test_nan_and_infinity_are_an_error_that_names_tensor_and_image(
    make_model: Make, operator: str, value: float
) -> None:
    nodes = [
        helper.make_node("Abs", ["pixel_values"], ["abs"]),
        helper.make_node(operator, ["pixel_values"], ["bad"]),
        helper.make_node("Add", ["abs", "bad"], ["output"]),
    ]
    good = np.full((1, 3, 4, 8), 2, np.float32)
    broken = good.copy()
    broken[0, 1, 2, 3] = value  # in the middle: ONNX Runtime's minimum only sees a NaN that comes first
    with pytest.raises(StepError, match="the tensor bad has NaN or infinite values for sample 2 of"):
        minmax(make_model(nodes, ["output"]), ["pixel_values", "abs", "bad", "output"], [good, broken])


def test_a_batch_that_the_model_cannot_take_is_an_error(make_model: Make) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["output"])], ["output"])
    with pytest.raises(StepError, match="ONNX Runtime cannot run the model"):
        minmax(model, ["output"], [np.zeros((1, 3, 4, 9), np.float32)])


def test_an_operator_that_is_not_implemented_is_an_error(make_model: Make, batches: list[Any]) -> None:
    model = make_model([helper.make_node("Relu", ["pixel_values"], ["output"])], ["output"])
    model.graph.node[0].domain = "somebody.else"
    model.opset_import.append(helper.make_opsetid("somebody.else", 1))
    with pytest.raises(StepError, match="ONNX Runtime cannot load the model"):
        minmax(model, ["output"], batches)


def test_memory_depends_neither_on_the_images_nor_on_the_number_of_tensors() -> None:
    # 24 tensors of 16 MiB, 384 MiB if they were all alive, in a process of their own: peaks do not go down.
    program = """
        import resource
        import numpy as np
        from onnx import TensorProto, helper
        from recipebuild.toolkit.quantize.histograms import histograms
        from recipebuild.toolkit.quantize.ranges import minmax

        names = ["pixel_values", *(f"t{i}" for i in range(24))]
        nodes = [helper.make_node("Abs", [a], [b]) for a, b in zip(names, names[1:])]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 1024, 1024]) for name in names]
        graph = helper.make_graph(nodes, "chain", ends[:1], ends[-1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        class Batches:
            def __init__(self, count):
                self.count = count
            def __len__(self):
                return self.count
            def __iter__(self):
                return (np.full((1, 4, 1024, 1024), i - 1, np.float32) for i in range(self.count))

        def measure(count):
            ranges = minmax(model, names, Batches(count))
            histograms(model, dict.fromkeys(names, 2**22), ranges, Batches(count))
            return peak()

        start = peak()
        print(start, measure(2), measure(8))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    start, few, many = map(float, done.stdout.split())
    assert few - start < 200
    assert many - few < 32
