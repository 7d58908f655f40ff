"""Small graphs from text, and what a pass makes of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
from onnx import numpy_helper

from recipebuild.toolkit.graph.apply import rewrite
from recipebuild.toolkit.graph.rewrite import prepare


def graph(text: str, opset: int = 20, **constants: Any) -> onnx.ModelProto:
    """The model ``(inputs) => (outputs) { nodes }``. All inputs but x are constants: random, or as given by name."""
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : {opset}]> g {text}')
    rng = np.random.default_rng(0)
    for value in list(model.graph.input):
        if value.name == "x":
            continue
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        held = constants[value.name] if value.name in constants else rng.standard_normal(shape)
        model.graph.initializer.append(numpy_helper.from_array(np.array(held, dtype).reshape(shape), value.name))
        model.graph.input.remove(value)
    return model


@dataclass(frozen=True)
class Outcome:
    """A graph before and after.

    Attributes:
        before: How many of which operators there were.
        after: How many there are.
        error: max|a - b| / max|b| of the first output, on random input.
        model: What was made.
    """

    before: Counter[str]
    after: Counter[str]
    error: float
    model: onnx.ModelProto


def outcome(model: onnx.ModelProto, *passes: str) -> Outcome:
    """What the passes make of a model."""
    changed = prepare(ir.from_proto(model))
    rewrite(changed, passes)
    after = ir.to_proto(changed)
    onnx.checker.check_model(after, full_check=True)
    right, actual = (_run(version) for version in (model, after))
    error = float(np.abs(right - actual).max() / np.abs(right).max())
    return Outcome(_operators(model), _operators(after), error, after)


def refusals(model: onnx.ModelProto, name: str) -> dict[str, int]:
    """Why a pass leaves a graph as it is: how often for which reason."""
    changed = prepare(ir.from_proto(model))
    done = rewrite(changed, [name])
    assert done.applied == ()
    return {each.reason: each.times for each in done.refused}


def _operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def _run(model: onnx.ModelProto) -> Any:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    tensor = session.get_inputs()[0]
    values = np.random.default_rng(1).standard_normal(tensor.shape).astype(np.float32)
    return session.run(None, {tensor.name: values})[0]
