"""verify: a right chain of models passes with its figures; a planted defect falls short, and is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.graphs import graph

from recipebuild.errors import CheckError, StepError
from recipebuild.steps import verify
from recipebuild.toolkit.calibration.archive import write_archive
from recipebuild.toolkit.calibration.samples import write_samples
from recipebuild.toolkit.calibration.source import images
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.before_resize import before_resize
from recipebuild.toolkit.graph.head import Head, add_argmax, add_axis, add_threshold
from recipebuild.toolkit.graph.simplify import simplify

Chain = dict[str, Path]
ARGMAX = Head()
NORMALIZATION = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}


@pytest.fixture
def calibration(street_images: Path, tmp_path: Path) -> Path:
    with images(street_images) as members:
        write_archive(members, tmp_path / "calibration.tar")
    return tmp_path / "calibration.tar"


@pytest.fixture
def segformer(tiny_segformer: Path, segformer_onnx: Path, calibration: Path, tmp_path: Path) -> Chain:
    """What verify is given for a PyTorch model."""
    made = _after_export(segformer_onnx, tmp_path, (1, 3, 64, 128))
    return {"model": tiny_segformer, "export": segformer_onnx, **made, "calibration": calibration}


@pytest.fixture
def onnx_source(small_onnx: Path, calibration: Path, tmp_path: Path) -> Chain:
    """What verify is given for an ONNX file."""
    return {"reference": small_onnx, **_after_export(small_onnx, tmp_path), "calibration": calibration}


def _after_export(source: Path, folder: Path, shape: tuple[int, ...] = (1, 3, 16, 32), head: Head = ARGMAX) -> Chain:
    simplified, final = folder / "simplified.onnx", folder / "model.onnx"
    files.save(simplify(source, "pixel_values", shape), simplified)
    files.save(add_argmax(files.load(simplified), head), final)
    return {"simplified": simplified, "head": final}


def _run(inputs: Chain, out: Path, **fields: Any) -> dict[str, Any]:
    out.mkdir()
    shape = (1, 3, 64, 128) if "model" in inputs else (1, 3, 16, 32)
    params = verify.Params.model_validate({"input": {"shape": shape, **NORMALIZATION}} | fields)
    return verify.run(inputs, params, out, lambda fraction, text="": None)


def _planted(path: Path, plant: Callable[[onnx.ModelProto], None]) -> Path:
    """A copy of a model with a defect in it."""
    model = files.load(path)
    plant(model)
    target = path.with_name("planted.onnx")
    files.save(model, target)
    return target


def _change_convolution(model: onnx.ModelProto, change: Callable[[np.ndarray], object]) -> None:
    """Change the first convolution's weights."""
    tensor = next(constant for constant in model.graph.initializer if len(constant.dims) == 4)
    weights = numpy_helper.to_array(tensor).copy()
    change(weights)
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))


def _perturb_a_weight(model: onnx.ModelProto) -> None:
    _change_convolution(model, lambda weights: weights.__setitem__((0, 0, 0, 0), weights[0, 0, 0, 0] + 0.5))


def _swap_channels(model: onnx.ModelProto) -> None:
    _change_convolution(model, lambda weights: weights.__setitem__(slice(None), weights[:, ::-1].copy()))


def _make_nan(model: onnx.ModelProto) -> None:
    _change_convolution(model, lambda weights: weights.__setitem__((0, 0, 0, 0), np.nan))


def _take_the_smallest(model: onnx.ModelProto) -> None:
    assert model.graph.node[-1].op_type == "ArgMax"
    model.graph.node[-1].op_type = "ArgMin"


def test_a_right_chain_passes_and_the_figures_are_written(segformer: Chain, tmp_path: Path) -> None:
    metrics = _run(segformer, tmp_path / "out")
    assert [row["stage"] for row in metrics["stages"]] == ["export", "simplify", "head"]
    assert metrics["images"] == ["street-0.jpg", "street-1.jpg"]
    assert metrics["reference"] == "PyTorch"
    assert metrics["classes_seen"] > 1
    assert 0 < metrics["relative"] < 1e-4
    assert metrics["agreement"] > 0.999
    assert metrics["stages"][2]["relative"] is None, "only class ids are left"
    assert json.loads((tmp_path / "out" / "verify.json").read_text()) == metrics


BGR = {"shape": (1, 3, 16, 32), "color": "BGR", "mean": (103.53, 116.28, 123.675), "std": (57.375, 57.12, 58.395)}


def test_a_model_whose_channels_were_exchanged_is_fed_the_other_order(onnx_source: Chain, tmp_path: Path) -> None:
    swapped = _planted(onnx_source["simplified"], _swap_channels)
    onnx_source["channels"] = swapped.rename(tmp_path / "channels.onnx")
    files.save(add_argmax(files.load(onnx_source["channels"]), ARGMAX), onnx_source["head"])
    metrics = _run(onnx_source, tmp_path / "out", compiled=BGR)
    assert [row["stage"] for row in metrics["stages"]] == ["simplify", "channels", "head"]
    assert metrics["agreement"] == 1.0
    with pytest.raises(CheckError, match="after channels the model is not the ONNX one any more"):
        _run(onnx_source, tmp_path / "other")


def test_a_threshold_is_held_to_the_models_logits(onnx_source: Chain, tmp_path: Path) -> None:
    model = files.load(onnx_source["reference"])
    axis = helper.make_attribute("axes", [1])
    model.graph.node.append(helper.make_node("ReduceMax", ["logits"], ["logit"], "max", keepdims=1))
    model.graph.node[-1].attribute.append(axis)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logit", onnx.TensorProto.FLOAT, [1, 1, 4, 8]))
    files.save(model, tmp_path / "one.onnx")
    head = Head(kind="threshold", output="mask", threshold=0.9)
    files.save(add_threshold(model, head), tmp_path / "mask.onnx")
    chain = {**onnx_source, "reference": tmp_path / "one.onnx", "simplified": tmp_path / "one.onnx"}
    right = _run({**chain, "head": tmp_path / "mask.onnx"}, tmp_path / "right", head=head.model_dump())
    assert right["stages"][-1]["agreement"] == 1.0
    files.save(add_threshold(model, head.model_copy(update={"threshold": 0.5})), tmp_path / "other.onnx")
    with pytest.raises(CheckError, match="after head the model is not the ONNX one any more"):
        _run({**chain, "head": tmp_path / "other.onnx"}, tmp_path / "wrong", head=head.model_dump())


@pytest.mark.parametrize("plant", [None, _perturb_a_weight])
def test_an_axis_that_the_head_adds_is_no_difference(
    onnx_source: Chain, tmp_path: Path, plant: Callable[[onnx.ModelProto], None] | None
) -> None:
    files.save(add_axis(files.load(onnx_source["simplified"]), 1), onnx_source["head"])
    head = {"kind": "none", "add_axis": 1}
    if plant:
        onnx_source["head"] = _planted(onnx_source["head"], plant)
        with pytest.raises(CheckError, match="after head"):
            _run(onnx_source, tmp_path / "out", head=head)
        return
    assert _run(onnx_source, tmp_path / "out", head=head)["relative"] == 0


def test_other_inputs_are_fed_with_each_image(onnx_source: Chain, tmp_path: Path) -> None:
    for name in ("reference", "simplified", "head"):
        model = files.load(onnx_source[name])
        model.graph.input.append(helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1]))
        first = next(node for node in model.graph.node if "logits" in node.output)
        first.output[:] = ["plain"]
        at = list(model.graph.node).index(first)
        model.graph.node.insert(at + 1, helper.make_node("Mul", ["plain", "gain"], ["logits"]))
        files.save(model, onnx_source[name])
    onnx_source["samples"] = tmp_path / "samples.tar"
    gains = ((f"street-{at}.jpg", {"gain": np.full(1, at + 1, np.float32)}) for at in range(8))
    write_samples(onnx_source["samples"], gains)
    assert _run(onnx_source, tmp_path / "out")["relative"] == 0


@pytest.mark.parametrize(("gain", "warned"), [(1.0, False), (200.0, True)])
def test_an_output_that_joins_tensors_of_unlike_range_is_a_warning(
    onnx_source: Chain, tmp_path: Path, gain: float, warned: bool
) -> None:
    onnx_source["head"] = shutil.copyfile(onnx_source["simplified"], tmp_path / "plain.onnx")
    for name in ("reference", "simplified", "head"):
        model = files.load(onnx_source[name])
        first = next(node for node in model.graph.node if "logits" in node.output)
        first.output[:] = ["scores"]
        model.graph.initializer.append(numpy_helper.from_array(np.array([gain], np.float32), "gain"))
        model.graph.node.append(helper.make_node("Mul", ["scores", "gain"], ["boxes"]))
        model.graph.node.append(helper.make_node("Concat", ["boxes", "scores"], ["logits"], "join", axis=1))
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value *= 2
        files.save(model, onnx_source[name])
    metrics = _run(onnx_source, tmp_path / "out", head={"kind": "none"})
    assert bool(metrics["warnings"]) == warned
    if warned:
        (text,) = metrics["warnings"]
        assert text.startswith("RB311 the output logits joins boxes (")
        assert "leaves 1.3 of 255 steps to scores; end the model before join" in text


def test_a_preprocessor_that_cannot_be_read_is_a_warning(segformer: Chain, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(segformer["model"], folder)
    (folder / "preprocessor_config.json").write_text('{"image_processor_type": "NoSuchProcessor"}')
    (warning,) = _run({**segformer, "model": folder}, tmp_path / "out")["warnings"]
    assert warning.startswith("RB116 preprocessor_config.json cannot be used: ")


@pytest.mark.parametrize("plant", [_perturb_a_weight, _swap_channels])
def test_an_export_that_is_not_the_pytorch_model_falls_short(
    segformer: Chain, tmp_path: Path, plant: Callable[[onnx.ModelProto], None]
) -> None:
    segformer["export"] = _planted(segformer["export"], plant)
    with pytest.raises(CheckError, match=r"after export .* not the PyTorch one .*agreement \d+\.\d+ %") as failure:
        _run(segformer, tmp_path / "out")
    assert failure.value.exit_code == 5
    worst, *others = failure.value.metrics["stages"]
    assert worst["relative"] > 1e-3
    assert all(row["agreement"] > 0.999 for row in others)


@pytest.mark.parametrize(
    ("key", "stage", "plant"),
    [
        ("simplified", "simplify", _perturb_a_weight),
        ("simplified", "simplify", _swap_channels),
        ("head", "head", _swap_channels),
        ("head", "head", _take_the_smallest),
    ],
)
def test_a_planted_defect_falls_short_with_figures(
    onnx_source: Chain, tmp_path: Path, key: str, stage: str, plant: Callable[[onnx.ModelProto], None]
) -> None:
    onnx_source[key] = _planted(onnx_source[key], plant)
    with pytest.raises(CheckError, match=rf"after {stage} the model is not the ONNX one .*agreement") as failure:
        _run(onnx_source, tmp_path / "out")
    assert failure.value.exit_code == 5
    assert failure.value.remedy
    rows = {row["stage"]: row for row in failure.value.metrics["stages"]}
    assert list(rows) == ["simplify", "head"]
    assert (rows[stage]["relative"] or 0) > 1e-3 or rows[stage]["agreement"] < 0.999
    assert not list((tmp_path / "out").iterdir())


def test_an_onnx_source_is_its_own_reference(onnx_source: Chain, tmp_path: Path) -> None:
    metrics = _run(onnx_source, tmp_path / "out")
    assert metrics["reference"] == "ONNX"
    assert [row["stage"] for row in metrics["stages"]] == ["simplify", "head"]
    assert metrics["classes_seen"] > 1
    assert (metrics["relative"] < 1e-6, metrics["agreement"]) == (True, 1.0)


def test_the_file_has_the_same_bytes_each_time(onnx_source: Chain, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _run(onnx_source, tmp_path / folder)
    assert (tmp_path / "one" / "verify.json").read_bytes() == (tmp_path / "two" / "verify.json").read_bytes()


def test_kept_logits_are_compared_before_the_class_ids(onnx_source: Chain, tmp_path: Path) -> None:
    head = Head(keep_logits=True, keepdims=False)
    onnx_source |= _after_export(onnx_source["reference"], tmp_path, head=head)
    final = _run(onnx_source, tmp_path / "out", head=head.model_dump())["stages"][-1]
    assert (final["relative"] < 1e-6, final["agreement"]) == (True, 1.0)

    model = files.load(onnx_source["head"])
    logits, ids = model.graph.output
    swapped = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in (ids, logits)]
    del model.graph.output[:]
    model.graph.output.extend(swapped)
    files.save(model, onnx_source["head"])
    with pytest.raises(CheckError, match="after head: outputs of shape 1x4x8, 1x6x4x8 instead of 1x6x4x8, 1x4x8"):
        _run(onnx_source, tmp_path / "again", head=head.model_dump())


def test_a_model_without_a_head_is_compared_by_its_logits(onnx_source: Chain, tmp_path: Path) -> None:
    onnx_source["head"] = onnx_source["simplified"]
    before, after = _run(onnx_source, tmp_path / "out", head={"kind": "none"})["stages"]
    assert after == before | {"stage": "head"}
    assert after["relative"] is not None


def test_a_batch_is_filled(small_onnx: Path, calibration: Path, tmp_path: Path) -> None:
    model = files.load(small_onnx)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 2
    grid = next(tensor for tensor in model.graph.initializer if tensor.name == "grid")
    grid.CopyFrom(numpy_helper.from_array(np.array([2, 6, 4, 8]), "grid"))
    files.save(model, small_onnx)
    inputs = {
        "reference": small_onnx,
        **_after_export(small_onnx, tmp_path, (2, 3, 16, 32)),
        "calibration": calibration,
    }
    assert _run(inputs, tmp_path / "out", input={"shape": (2, 3, 16, 32), **NORMALIZATION})["agreement"] == 1.0


@pytest.fixture
def enlarging(calibration: Path, tmp_path: Path) -> Chain:
    """What verify is given for a network that enlarges its logits, and a head that leaves this out."""
    text = """(float[1,3,16,32] x, float[6,3,8,8] w, float[0] roi, float[4] scales) => (float[1,6,16,32] logits) {
        small = Conv <strides = [2, 2], pads = [3, 3, 3, 3]> (x, w)
        logits = Resize <mode = "linear"> (small, roi, scales) }"""
    source = tmp_path / "enlarging.onnx"
    files.save(graph(text, opset=17, scales=[1, 1, 2, 2]), source)
    files.save(add_argmax(before_resize(files.load(source)), ARGMAX), tmp_path / "model.onnx")
    return {"reference": source, "simplified": source, "head": tmp_path / "model.onnx", "calibration": calibration}


BEFORE = {"head": {"before_resize": True}, "input": {"name": "x", "shape": (1, 3, 16, 32), **NORMALIZATION}}


def test_a_head_before_the_resize_is_checked_where_classes_do_not_meet(enlarging: Chain, tmp_path: Path) -> None:
    metrics = _run(enlarging, tmp_path / "out", **BEFORE)
    assert metrics["stages"][-1]["agreement"] == 1
    assert 0.5 < metrics["before_resize"] < 1


def test_a_defect_before_the_resize_falls_short(enlarging: Chain, tmp_path: Path) -> None:
    enlarging["head"] = _planted(enlarging["head"], _take_the_smallest)
    with pytest.raises(CheckError, match="after head the model is not the ONNX one"):
        _run(enlarging, tmp_path / "out", **BEFORE)


def test_nan_falls_short_and_the_stage_is_named(onnx_source: Chain, tmp_path: Path) -> None:
    onnx_source["simplified"] = _planted(onnx_source["simplified"], _make_nan)
    with pytest.raises(CheckError, match=r"after simplify: the output has \d+ NaN") as failure:
        _run(onnx_source, tmp_path / "out")
    json.dumps(failure.value.metrics, allow_nan=False)


def test_a_source_that_gives_nan_is_blamed_itself(onnx_source: Chain, tmp_path: Path) -> None:
    onnx_source["reference"] = _planted(onnx_source["reference"], _make_nan)
    with pytest.raises(CheckError, match="in the model itself, before export"):
        _run(onnx_source, tmp_path / "out")


def test_tighter_limits_are_kept(onnx_source: Chain, tmp_path: Path) -> None:
    def perturb_very_little(model: onnx.ModelProto) -> None:
        _change_convolution(model, lambda weights: weights.__imul__(1 + 1e-5))

    onnx_source["simplified"] = _planted(onnx_source["simplified"], perturb_very_little)
    _run(onnx_source, tmp_path / "out")
    with pytest.raises(CheckError, match="allowed: relative error 1e-08"):
        _run(onnx_source, tmp_path / "again", relative=1e-8)


def test_a_broken_calibration_set_is_a_failed_step(onnx_source: Chain, tmp_path: Path) -> None:
    onnx_source["calibration"].write_bytes(b"no tar")
    with pytest.raises(StepError, match=r"calibration\.tar"):
        _run(onnx_source, tmp_path / "out")
