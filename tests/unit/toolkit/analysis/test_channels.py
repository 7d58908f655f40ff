"""Along which axis channels lie."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.analysis.channels import other_axes


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("y = Abs(x)", (0, 2, 3)),
        ("y = Transpose<perm = [0, 2, 3, 1]>(x)", (0, 1, 2)),
        ("a = Transpose<perm = [0, 2, 3, 1]>(x) b = Abs(a) y = Transpose<perm = [0, 3, 1, 2]>(b)", (0, 2, 3)),
        ("y = LayerNormalization(x, scale)", (0, 1, 2)),
        ("a = Transpose<perm = [0, 2, 3, 1]>(x) b = LayerNormalization(a, scale) y = Add(b, a)", (0, 1, 2)),
        ("y = MatMul(x, matrix)", (0, 1, 2)),
        ("shape = Constant<value_ints = [1, 8, 8]>() y = Reshape(x, shape)", (0, 1)),
        ("shape = Constant<value_ints = [64]>() y = Reshape(x, shape)", ()),
        ("a = Transpose<perm = [0, 2, 3, 1]>(x) y = MaxPool<kernel_shape = [2, 2]>(a)", (0, 2, 3)),
    ],
)  # fmt: skip
def test_the_axes_beside_the_channels(text: str, axes: tuple[int, ...]) -> None:
    model = graph(f"(float[1,4,4,4] x, float[4] scale, float[4,4] matrix) => (float y) {{ {text} }}")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    others = other_axes(onnx.shape_inference.infer_shapes(model, data_prop=True))
    assert others["y"] == axes
