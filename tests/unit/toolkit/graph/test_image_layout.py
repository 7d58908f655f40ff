"""Images with channels last, or of bytes, become NCHW in float32, and the model stays the same function."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.image_layout import as_taken, layout, planar
from recipebuild.toolkit.graph.statistics import Tensor, inputs

MODEL = """
<ir_version: 8, opset_import: ["" : 17]>
net ({type}[{sizes}] image) => (float[N,H,W] out)
{{
    {body}
    out = ReduceMax <axes = [{axis}], keepdims = 0> (x)
}}
"""


def _run(model: onnx.ModelProto, image: object) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"image": image})
    return np.asarray(out)


@pytest.mark.parametrize(
    ("type_", "sizes", "body", "axis", "kind"),
    [
        ("float", "1,6,5,3", "x = Identity(image)", 3, "NHWC"),
        ("uint8", "1,3,6,5", "x = Cast <to = 1> (image)", 1, "NCHW"),
        ("uint8", "N,6,5,1", "y = Identity(image) x = Cast <to = 1> (y)", 3, "NHWC"),
    ],
)
def test_it_is_the_same_function(type_: str, sizes: str, body: str, axis: int, kind: str) -> None:
    model = parser.parse_model(MODEL.format(type=type_, sizes=sizes, body=body, axis=axis))
    (tensor,) = inputs(model)
    assert layout(tensor) == kind
    channels = 1 if sizes.endswith("1") else 3
    batch = np.random.default_rng(0).integers(0, 256, (1, channels, 6, 5)).astype(np.float32)
    changed = planar(model, "image")
    onnx.checker.check_model(changed, full_check=True)
    (now,) = inputs(changed)
    assert now.dtype == "float32" and (now.shape or ())[1:] == (channels, 6, 5)
    np.testing.assert_array_equal(_run(changed, batch), _run(model, as_taken(batch, tensor)))


def test_bytes_that_are_computed_with_stay_bytes() -> None:
    body = "two = Constant <value = uint8[1] {2}> () y = Mul(image, two) x = Cast <to = 1> (y)"
    model = parser.parse_model(MODEL.format(type="uint8", sizes="1,3,6,5", body=body, axis=1))
    with pytest.raises(StepError, match="Mul computes with the bytes"):
        planar(model, "image")


@pytest.mark.parametrize(
    ("dtype", "shape", "expected"),
    [
        ("float32", (1, 3, 8, 8), "NCHW"),
        ("float32", ("n", 1, "h", "w"), "NCHW"),
        ("float32", (1, 4, 8, 3), "NCHW"),
        ("uint8", ("n", "h", "w", 3), "NHWC"),
        ("float32", (1, 2, 8, 8), None),
        ("int64", (1, 3, 8, 8), None),
        ("float32", (3, 8, 8), None),
        ("float32", None, None),
    ],
)
def test_the_layout_of_an_image(dtype: str, shape: tuple[int | str, ...] | None, expected: str | None) -> None:
    assert layout(Tensor("x", dtype, shape)) == expected
