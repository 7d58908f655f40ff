"""Running segmentation models over labelled images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from support.graphs import graph

from recipebuild.errors import CheckError, StepError
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.evaluate.resize import enlarge, inside
from recipebuild.toolkit.evaluate.runners import open_model
from recipebuild.toolkit.evaluate.segmentation import segment
from recipebuild.toolkit.graph.compare import run_model

Make = Callable[..., Path]
SPEC = ImageSpec(shape=(1, 3, 16, 32), mean=(128, 128, 128), std=(64, 64, 64))
BLUE = Image.new("RGB", (32, 16), (0, 0, 255))


@pytest.mark.parametrize(
    "outputs", [("argmax_output",), ("logits", "argmax_output"), ("argmax_output", "logits"), ("logits",)], ids=str
)
def test_class_ids_come_from_the_integer_output_or_from_logits(colour_model: Make, outputs: tuple[str, ...]) -> None:
    path = colour_model(outputs=outputs)
    ids = segment(open_model(path), BLUE, SPEC)
    assert (ids.dtype.name, ids.shape, np.unique(ids).tolist()) == ("int64", (8, 16), [2])
    assert class_count(path) == 3


def test_the_image_is_scaled_to_the_input_and_its_channels_ordered(colour_model: Make) -> None:
    model = open_model(colour_model())
    assert np.unique(segment(model, BLUE.resize((70, 50)), SPEC)).tolist() == [2]
    assert np.unique(segment(model, BLUE, SPEC.model_copy(update={"color": "BGR"}))).tolist() == [0]


def simple(path: Path, op: str, shape: list[int], dtype: int = TensorProto.FLOAT) -> Path:
    graph = helper.make_graph(
        [helper.make_node(op, ["pixel_values"], ["y"])],
        op,
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", dtype, None)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_model_with_a_batch_gets_one(tmp_path: Path) -> None:
    model = open_model(simple(tmp_path / "m.onnx", "Identity", [2, 3, 16, 32]))
    ids = segment(model, BLUE, SPEC.model_copy(update={"shape": (2, 3, 16, 32)}))
    assert (ids.shape, np.unique(ids).tolist()) == ((16, 32), [2])


def test_nan_in_an_output_is_a_failed_check(tmp_path: Path) -> None:
    model = open_model(simple(tmp_path / "m.onnx", "Log", [1, 3, 16, 32]))  # of negative numbers
    with pytest.raises(CheckError, match=r"m\.onnx gives NaN"):
        segment(model, BLUE, SPEC)


@pytest.mark.parametrize(("op", "shape"), [("Flatten", [1, 3, 16, 32]), ("Shape", [1, 3, 16, 32])])
def test_a_model_that_does_not_segment_is_refused(tmp_path: Path, op: str, shape: list[int]) -> None:
    dtype = TensorProto.INT64 if op == "Shape" else TensorProto.FLOAT
    with pytest.raises(StepError, match=r"m\.onnx gives no class ids for semantic-segmentation"):
        segment(open_model(simple(tmp_path / "m.onnx", op, shape, dtype)), BLUE, SPEC)


def test_an_input_that_the_model_does_not_take_is_one_line(colour_model: Make) -> None:
    model = open_model(colour_model())
    for change in ({"name": "other"}, {"shape": (1, 3, 32, 32)}):
        with pytest.raises(StepError, match=r"ONNX Runtime cannot run model\.onnx: ") as caught:
            segment(model, BLUE, SPEC.model_copy(update=change))
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_what_is_no_model_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(StepError, match=r"ONNX Runtime cannot load m\.onnx: ") as caught:
        open_model(tmp_path / "m.onnx")
    assert "\n" not in caught.value.message


def test_quantizers_are_computed_as_written(colour_model: Make) -> None:
    # Steps of 1.0 cannot tell 90 from 130 when both are (x - 128) / 64 in (-0.6, 0.04): every class is a tie, so 0.
    image = Image.new("RGB", (32, 16), (100, 130, 100))
    assert np.unique(segment(open_model(colour_model()), image, SPEC)).tolist() == [1]
    assert np.unique(segment(open_model(colour_model("coarse.onnx", step=1.0)), image, SPEC)).tolist() == [0]
    assert np.unique(segment(open_model(colour_model("fine.onnx", step=0.01)), image, SPEC)).tolist() == [1]


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_enlarging_by_a_whole_number_repeats_pixels(factor: int) -> None:
    ids = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(enlarge(ids, 2 * factor, 3 * factor), ids.repeat(factor, 0).repeat(factor, 1))


def test_enlarging_and_shrinking_take_the_nearest_centre() -> None:
    ids = np.array([[0, 1]])
    assert enlarge(ids, 1, 3).tolist() == [[0, 1, 1]]  # centres at 1/3, 1 and 5/3: the middle belongs to the right
    assert enlarge(np.arange(9)[np.newaxis], 1, 3).tolist() == [[1, 4, 7]]


def test_inside_is_what_only_pixels_of_its_class_touch() -> None:
    ids = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert inside(ids).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize("how", ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_enlarging_logits_changes_classes_only_where_they_meet(how: str, mode: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((1, 3, 2, 3)).repeat(5, 2).repeat(5, 3).astype(np.float32)
    logits += rng.standard_normal(logits.shape, dtype=np.float32) / 10
    text = f"""(float[1,3,10,15] x, float[0] roi, int64[4] sizes) => (float[1,3,37,60] y) {{
        y = Resize <mode = "{mode}", coordinate_transformation_mode = "{how}"> (x, roi, , sizes) }}"""
    onnx.save(graph(text, sizes=[1, 3, 37, 60]), tmp_path / "resize.onnx")
    ((large,),) = run_model(tmp_path / "resize.onnx", [{"x": logits}])
    ids = logits[0].argmax(0)
    sure = enlarge(inside(ids), 37, 60) > 0
    assert 0.2 < sure.mean() < 1
    np.testing.assert_array_equal(large[0].argmax(0)[sure], enlarge(ids, 37, 60)[sure])
    assert mode == "nearest" or (large[0].argmax(0) != enlarge(ids, 37, 60)).any()
