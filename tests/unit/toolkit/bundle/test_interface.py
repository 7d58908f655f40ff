"""What a bundle says of its model: inputs, outputs, classes, and whether the board's program can read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import CheckError, StepError
from recipebuild.facts.runners import runners
from recipebuild.toolkit.bundle.interface import check_runner, interface, labels
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime

TASK = "semantic-segmentation"
SPEC = ImageSpec(shape=(1, 3, 16, 32), mean=(1, 2, 3), std=(4, 5, 6))


def test_a_model_for_the_host_is_fed_normalized_floats(colour_model: Callable[..., Path]) -> None:
    description = interface(colour_model(outputs=["logits", "argmax_output"]), TASK, SPEC, Runtime(), [])
    tensor = description["input"]
    assert (tensor["dtype"], tensor["layout"], tensor["normalized_by"]) == ("float32", "NCHW", "program")
    assert (tensor["height"], tensor["width"], tensor["color"], tensor["mean"]) == (16, 32, "RGB", [1, 2, 3])
    assert [(output["name"], output["dtype"], output["meaning"]) for output in description["outputs"]] == [
        ("logits", "float32", "logits"),
        ("argmax_output", "int64", "class ids"),
    ]


@pytest.mark.parametrize(
    ("runtime", "says"),
    [
        ({}, {"color": "RGB", "layout": "NHWC", "normalized_by": "model", "shape": [1, 16, 32, 3], "dtype": "uint8"}),
        ({"dtype": "FP32", "layout": "NCHW"}, {"dtype": "float32", "layout": "NCHW", "normalized_by": "model"}),
        ({"dtype": "FP32", "normalized": True}, {"dtype": "float32", "normalized_by": "program"}),
        (
            {"format": "YUV420SP", "csc": {"mode": "LimitedRange"}},
            {"color": "YUV420SP", "csc_mode": "LimitedRange", "network_color": "RGB", "shape": [1, 24, 32, 1]},
        ),
        (
            {"format": "UYVY422", "csc": {"mode": "Matrix", "matrix": [0.5] * 12}},
            {"csc_mode": "Matrix", "csc_mat": [0.5] * 12, "shape": [1, 16, 32, 2], "height": 16},
        ),
        ({"extra_shapes": [[1, 3, 8, 8]]}, {"more_shapes": [[1, 3, 8, 8]]}),
    ],
)
def test_a_model_for_the_npu_is_fed_what_the_recipe_says(
    tmp_path: Path, runtime: dict[str, Any], says: dict[str, Any]
) -> None:
    import onnx
    from onnx import TensorProto, helper

    fed = Runtime.model_validate(runtime)
    kind = TensorProto.UINT8 if fed.dtype == "U8" else TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("neu mode", ["pixel_values"], ["ids"])],
        "compiled",
        [helper.make_tensor_value_info("pixel_values", kind, fed.shape(SPEC))],
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 1, 8, 16])],
    )
    onnx.save(helper.make_model(graph), tmp_path / "compiled.axmodel")
    description = interface(tmp_path / "compiled.axmodel", TASK, SPEC, fed, [])
    assert description["input"].items() >= says.items()
    assert description["outputs"][0]["dtype"] == "int32"


def test_an_input_of_another_name_is_an_error(colour_model: Callable[..., Path]) -> None:
    with pytest.raises(StepError, match="no input images, but pixel_values"):
        interface(colour_model(), TASK, SPEC.model_copy(update={"name": "images"}), Runtime(), [])


def test_classes_have_ids_and_names_and_where_they_are_painted_colours() -> None:
    names = ["wall", "floor", "door"]
    entries = labels(names, TASK)
    assert [(label["id"], label["name"]) for label in entries] == list(enumerate(names))
    assert len({tuple(label["color"]) for label in entries}) == 3
    assert labels(names, "image-classification") == [{"id": i, "name": name} for i, name in enumerate(names)]
    assert labels([], "depth-estimation") == []


def interface_of(outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"input": {"height": 64, "width": 128}, "outputs": outputs}


def test_a_model_that_does_not_fit_its_runner_is_refused_with_the_reason() -> None:
    segformer = runners()["ax_segformer"]
    logits, ids = {"name": "logits", "shape": [1, 19, 16, 32]}, {"name": "ids", "shape": [1, 1, 16, 32]}
    check_runner(segformer, interface_of([logits, ids]))
    with pytest.raises(CheckError, match="reads 2 outputs"):
        check_runner(segformer, interface_of([ids]))
    with pytest.raises(CheckError, match="class ids of 16x32"):
        check_runner(segformer, interface_of([logits, {**ids, "shape": [1, 1, 64, 128]}]))


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("ax_dinov2", [1, 1369, 384], None),
        ("ax_dinov2", [1, 1370, 384], r"reads \[1, 1369, C\], the model gives \[1, 1370, 384\]"),
        ("ax_depth_anything", [1, 1, 518, 518], None),
        ("ax_depth_anything", [1, 518, 518], r"reads one map, \[1, 1, H, W\], the model gives \[1, 518, 518\]"),
        ("ax_glpdepth", [1, 1, 480, 640], None),
        ("ax_glpdepth", [1, 19, 480, 640], "reads one map"),
    ],
)
def test_runners_of_one_output_read_it_by_its_shape(name: str, shape: list[int], words: str | None) -> None:
    description = interface_of([{"name": "y", "shape": shape}])
    if words is None:
        check_runner(runners()[name], description)
        return
    with pytest.raises(CheckError, match=words):
        check_runner(runners()[name], description)
