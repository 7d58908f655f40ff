"""The head of networks of one class: 1 where the sigmoid of the logit is above a threshold, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recipebuild.errors import StepError
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.graph.head import Head, add_argmax, add_threshold
from recipebuild.toolkit.graph.logit import logit
from recipebuild.toolkit.graph.statistics import Tensor, outputs

HEAD = Head(kind="threshold", output="mask", threshold=0.8)


@pytest.fixture
def one_class(tmp_path: Path) -> Path:
    """The mean of the channels as the one logit: pixel_values [1, 3, 2, 4] -> logits [1, 1, 2, 4]."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pixel_values", "weight"], ["logits"], kernel_shape=[1, 1])],
        "one",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, 2, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, 2, 4])],
        [numpy_helper.from_array(np.full((1, 3, 1, 1), 1 / 3, np.float32), "weight")],
    )
    path = tmp_path / "one.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def fed(logits: Sequence[float]) -> np.ndarray:
    return np.broadcast_to(np.array(logits, np.float32).reshape(1, 1, 2, 4), (1, 3, 2, 4)).copy()


def test_the_logit_is_the_inverse_of_the_sigmoid() -> None:
    assert logit(0.5) == 0
    assert logit(0.8) == pytest.approx(math.log(4))  # 0.8 / 0.2


def test_it_is_1_where_the_sigmoid_of_the_logit_is_above_the_threshold(one_class: Path, tmp_path: Path) -> None:
    model = add_threshold(files.load(one_class), HEAD)
    assert outputs(model) == [Tensor("mask", "int32", (1, 1, 2, 4))]
    files.save(model, tmp_path / "head.onnx")
    files.check(tmp_path / "head.onnx")
    ((mask,),) = run_model(tmp_path / "head.onnx", [{"pixel_values": fed([-5, 0, 1, 1.38, 1.39, 2, 5, -1])}])
    np.testing.assert_array_equal(mask.ravel(), [0, 0, 0, 0, 1, 1, 1, 0])  # ln 4 is 1.386
    assert class_count(tmp_path / "head.onnx") == 2


def test_an_argmax_over_one_class_is_refused(one_class: Path) -> None:
    with pytest.raises(StepError, match="an ArgMax over one class is 0 everywhere") as caught:
        add_argmax(files.load(one_class), Head())
    assert caught.value.field == "head.kind"
    assert "kind: threshold" in caught.value.remedy


def test_a_threshold_over_several_classes_is_refused(small_onnx: Path) -> None:
    with pytest.raises(StepError, match="a threshold is for one class") as caught:
        add_threshold(files.load(small_onnx), HEAD)
    assert caught.value.remedy == "kind: argmax"


def test_the_network_itself_is_held_to_the_same_threshold() -> None:
    logits = [np.array([[[[-1.0, 0.5, 1.0, 2.0]]]], np.float32)]
    assert answer(logits, "semantic-segmentation", "PyTorch").ids.tolist() == [[0, 1, 1, 1]]
    assert answer(logits, "semantic-segmentation", "PyTorch", cut=logit(0.8)).ids.tolist() == [[0, 0, 0, 1]]
