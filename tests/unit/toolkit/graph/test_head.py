"""The ArgMax head: what it gives, how it is written down, what it leaves alone, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from recipebuild.errors import StepError
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.graph.head import Head, add_argmax, add_axis
from recipebuild.toolkit.graph.statistics import Tensor, outputs


def _attributes(node: onnx.NodeProto) -> dict[str, int]:
    return {attribute.name: attribute.i for attribute in node.attribute}


@pytest.mark.parametrize(
    ("head", "shape", "axis"),
    [
        (Head(), (1, 1, 4, 8), 1),
        (Head(keepdims=False), (1, 4, 8), 1),
        (Head(axis=-3, output="classes"), (1, 1, 4, 8), 1),
        (Head(axis=3), (1, 6, 4, 1), 3),
    ],
)
def test_class_ids_take_the_place_of_logits(
    small_onnx: Path, tmp_path: Path, head: Head, shape: tuple[int, ...], axis: int
) -> None:
    model = add_argmax(files.load(small_onnx), head)
    assert outputs(model) == [Tensor(head.output, "int64", shape)]
    files.save(model, tmp_path / "head.onnx")
    files.check(tmp_path / "head.onnx")
    feed = {"pixel_values": np.random.default_rng(1).standard_normal((1, 3, 16, 32), dtype=np.float32)}
    (logits,), (ids,) = (run_model(path, [feed])[0] for path in (small_onnx, tmp_path / "head.onnx"))
    np.testing.assert_array_equal(ids, logits.argmax(axis, keepdims=head.keepdims))
    assert len(np.unique(ids)) > 1


def test_with_logits_kept_they_come_first(small_onnx: Path) -> None:
    model = add_argmax(files.load(small_onnx), Head(keep_logits=True))
    assert outputs(model) == [
        Tensor("logits", "float32", (1, 6, 4, 8)),
        Tensor("argmax_output", "int64", (1, 1, 4, 8)),
    ]


def test_among_equal_logits_the_first_class_wins(small_onnx: Path, tmp_path: Path) -> None:
    files.save(add_argmax(files.load(small_onnx), Head()), tmp_path / "head.onnx")
    ((ids,),) = run_model(tmp_path / "head.onnx", [{"pixel_values": np.zeros((1, 3, 16, 32), np.float32)}])
    assert not ids.any()


@pytest.mark.parametrize(
    ("opset", "attributes"),
    [
        (11, {"axis": 1, "keepdims": 1}),
        (12, {"axis": 1, "keepdims": 1, "select_last_index": 0}),
        (17, {"axis": 1, "keepdims": 1, "select_last_index": 0}),
    ],
)
def test_every_attribute_that_the_opset_has_is_written_out(
    small_onnx: Path, opset: int, attributes: dict[str, int]
) -> None:
    model = files.load(small_onnx)
    model.opset_import[0].version = opset
    assert _attributes(add_argmax(model, Head()).graph.node[-1]) == attributes


def test_all_else_in_the_model_stays(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.metadata_props.add(key="license", value="Apache-2.0")
    model.graph.value_info.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, [1, 6, 32]))
    before = model.SerializeToString(deterministic=True)
    result = add_argmax(model, Head(keep_logits=True))
    assert model.SerializeToString(deterministic=True) == before
    del result.graph.node[-1]
    del result.graph.output[-1]
    assert result == model


def test_the_shape_of_the_logits_is_still_known(small_onnx: Path) -> None:
    model = add_argmax(files.load(small_onnx), Head())
    assert model.graph.value_info[-1] == files.load(small_onnx).graph.output[0]


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (Head(axis=4), r"head\.axis: 4 is out of range .* logits \(float32 1x6x4x8\)"),
        (Head(axis=-5), r"head\.axis: -5 is out of range"),
        (Head(output="logits"), "already has a tensor named logits"),
        (Head(output="pixel_values"), "already has a tensor named pixel_values"),
        (Head(output="weight"), "already has a tensor named weight"),
        (Head(output="flat"), "already has a tensor named flat"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(small_onnx: Path, head: Head, says: str) -> None:
    with pytest.raises(StepError, match=says):
        add_argmax(files.load(small_onnx), head)


def test_several_outputs_are_refused(small_onnx: Path) -> None:
    model = files.load(small_onnx)
    model.graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, [1, 6, 32]))
    with pytest.raises(StepError, match=r"one output, this one has 2: logits .*, flat"):
        add_argmax(model, Head())


@pytest.mark.parametrize("shape", [["batch", 6, 4, 8], [1, 6, None, None], None])
def test_a_dynamic_shape_is_refused(small_onnx: Path, shape: list[int | str | None] | None) -> None:
    model = files.load(small_onnx)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    with pytest.raises(StepError, match="static shape, not logits"):
        add_argmax(model, Head())


@pytest.mark.parametrize(("axis", "shape"), [(0, (1, 1, 6, 4, 8)), (1, (1, 1, 6, 4, 8)), (4, (1, 6, 4, 8, 1))])
def test_an_axis_more_moves_nothing(small_onnx: Path, tmp_path: Path, axis: int, shape: tuple[int, ...]) -> None:
    model = add_axis(files.load(small_onnx), axis)
    assert outputs(model) == [Tensor("logits_map", "float32", shape)]
    files.save(model, tmp_path / "head.onnx")
    files.check(tmp_path / "head.onnx")
    feed = {"pixel_values": np.random.default_rng(1).standard_normal((1, 3, 16, 32), dtype=np.float32)}
    (before,), (after,) = (run_model(path, [feed])[0] for path in (small_onnx, tmp_path / "head.onnx"))
    np.testing.assert_array_equal(after, np.expand_dims(before, axis))


def test_an_axis_that_cannot_be_added_is_told(small_onnx: Path) -> None:
    with pytest.raises(StepError, match=r"head\.add_axis: 5 does not go with"):
        add_axis(files.load(small_onnx), 5)
