"""Logits as they were before the Resize at the end, and what has no such end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.errors import StepError
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.before_resize import before_resize
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.graph.statistics import Tensor, outputs

NETWORK = """(float[2,3,4,5] x, float[6,3,1,1] w, float[0] roi, float[4] scales) => (float[2,6,8,15] logits) {
    small = Conv (x, w)
    logits = Resize <mode = "linear"> (small, roi, scales)
}"""
SCALES = [1, 1, 2, 3]


def test_the_model_gives_the_small_logits_under_the_same_name(tmp_path: Path) -> None:
    model = graph(NETWORK, scales=SCALES)
    whole = model.SerializeToString()
    small = before_resize(model)
    assert model.SerializeToString() == whole
    assert outputs(small) == [Tensor("logits", "float32", (2, 6, 4, 5))]
    assert [node.op_type for node in small.graph.node] == ["Conv"]
    assert {tensor.name for tensor in small.graph.initializer} == {"w"}
    files.save(small, tmp_path / "small.onnx")
    files.check(tmp_path / "small.onnx")
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("small", onnx.TensorProto.FLOAT, [2, 6, 4, 5]))
    files.save(model, tmp_path / "before.onnx")
    feeds = [{"x": np.random.default_rng(0).standard_normal((2, 3, 4, 5), dtype=np.float32)}]
    (right,), (actual,) = (run_model(tmp_path / f"{name}.onnx", feeds)[0] for name in ("before", "small"))
    np.testing.assert_array_equal(right, actual)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"linear"', '"cubic"'),
        ('"linear"', '"linear", coordinate_transformation_mode = "tf_crop_and_resize"'),
        ("scales)\n", "scales) logits = Relu (large)\n"),
        ("[2,6,8,15] logits)", "[2,6,8,15] logits, float[2,6,4,5] small)"),
        ("(small, roi", "(x, roi"),
    ],
)
def test_any_other_end_is_refused(old: str, new: str) -> None:
    text = NETWORK.replace(old, new)
    if "Relu" in text:
        text = text.replace("logits = Resize", "large = Resize")
    with pytest.raises(StepError, match=r"head\.before_resize: the model does not end in a linear or nearest Resize"):
        before_resize(graph(text, scales=SCALES))


def test_making_an_image_smaller_is_no_enlarging() -> None:
    with pytest.raises(StepError, match="to a larger height"):
        before_resize(graph(NETWORK.replace("8,15", "2,15"), scales=[1, 1, 0.5, 3]))
