"""Small graphs on an image input, put together from nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.quantize.calibrate import group_ranges, measure
from recipebuild.toolkit.quantize.parameters import baked, settle
from recipebuild.toolkit.quantize.planner import planned
from recipebuild.toolkit.quantize.prepare import prepare
from recipebuild.toolkit.quantize.write import written

Make = Callable[..., onnx.ModelProto]


@pytest.fixture
def make_model() -> Make:
    """A model ``pixel_values`` [1, 3, 4, 8] -> the outputs named, valid by ONNX's checker."""

    def make(
        nodes: Sequence[onnx.NodeProto],
        outputs: Sequence[str],
        constants: Mapping[str, Any] | None = None,
        *,
        kinds: Mapping[str, int] | None = None,
        shape: Sequence[int | str] = (1, 3, 4, 8),
        opset: int = 17,
    ) -> onnx.ModelProto:
        kind_of = {name: (kinds or {}).get(name, TensorProto.FLOAT) for name in outputs}
        graph = helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in kind_of.items()],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        return model

    return make


@pytest.fixture
def spec() -> ImageSpec:
    return ImageSpec(shape=(1, 3, 4, 8), mean=(0, 0, 0), std=(1, 1, 1))


@pytest.fixture
def batches() -> list[np.ndarray[Any, Any]]:
    """Three batches of numbers from -2 to 4; both are reached, each in another batch."""
    rng = np.random.default_rng(0)
    made = [rng.uniform(-1.5, 3.5, (1, 3, 4, 8)).astype(np.float32) for _ in range(3)]
    made[0][0, 0, 0, 0], made[2][0, 2, 3, 7] = -2, 4
    return made


class Quantized:
    """A quantized model, how it came to be, and what a test asks of it.

    Attributes:
        source: What ``prepare`` gave.
        plan: Which tensor gets which parameters.
        settled: The parameters.
        model: The QDQ model; it has passed ONNX's checker.
        stored: Its initializers, by name.
    """

    def __init__(
        self, model: onnx.ModelProto, spec: ImageSpec, batches: Any, layers: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.source = prepare(model, spec, wide=any("16" in str(layer) for layer in layers))
        self.plan = planned(self.source, layers)
        self.ranges = group_ranges(
            self.plan, measure(baked(self.source, self.plan), self.plan, batches, "MinMax"), "MinMax"
        )
        self.settled = settle(self.source, self.plan, self.ranges)
        self.model = written(self.source, self.plan, self.settled)
        onnx.checker.check_model(self.model, full_check=True)
        self.stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
        self._made_by = {name: node for node in self.model.graph.node for name in node.output}

    def operators(self) -> list[str]:
        return [node.op_type for node in self.model.graph.node if not node.op_type.endswith("Linear")]

    def node(self, name: str) -> onnx.NodeProto:
        """The node of that name or, if there is but one, of that operator."""
        [node] = [node for node in self.model.graph.node if name in (node.name, node.op_type)]
        return node

    def parameters(self, node: str, position: int) -> tuple[Any, Any]:
        """Scale and zero point with which that input of the node is dequantized."""
        dequantize = self._made_by[self.node(node).input[position]]
        assert dequantize.op_type == "DequantizeLinear"
        return self.stored[dequantize.input[1]], self.stored[dequantize.input[2]]

    def codes(self, node: str, position: int) -> Any:
        """The codes of a constant input of the node."""
        return self.stored[self._made_by[self.node(node).input[position]].input[0]]

    def is_float(self, node: str, position: int) -> bool:
        """Whether that input comes straight from what computes it."""
        producer = self._made_by.get(self.node(node).input[position])
        return producer is None or producer.op_type != "DequantizeLinear"

    def quantizers(self, name: str) -> int:
        """How many QuantizeLinear lie between an input of the model and the tensor of that name, dequantized."""
        count, source = 0, self._made_by.get(name)
        while source is not None:
            count += source.op_type == "QuantizeLinear"
            source = self._made_by.get(source.input[0])
        return count

    def run(self, batch: Any) -> list[Any]:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        session = ort.InferenceSession(self.model.SerializeToString(), options)
        return list(session.run(None, {"pixel_values": batch}))


@pytest.fixture
def quantize(spec: ImageSpec, batches: list[Any]) -> Callable[..., Quantized]:
    """Quantize a model by the ranges of the three batches, or of others."""

    def with_layers(model: onnx.ModelProto, *layers: Mapping[str, Any], on: Any = None) -> Quantized:
        return Quantized(model, spec, batches if on is None else on, layers)

    return with_layers
