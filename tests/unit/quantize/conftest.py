"""Small graphs on an image input, put together from nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.calibration.preprocess import ImageSpec

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
