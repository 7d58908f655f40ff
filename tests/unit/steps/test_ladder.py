"""The step ladder: planted losses are found at their rung, and called by their name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image
from support.answered import answered

from recipebuild.errors import CheckError
from recipebuild.steps import rungs, verify
from recipebuild.steps.ladder import Params, run
from recipebuild.toolkit.evaluate.dataset import samples
from recipebuild.toolkit.evaluate.recorded import write_outputs
from recipebuild.toolkit.graph import files
from recipebuild.toolkit.graph.head import Head, add_argmax

SHAPE = [1, 3, 64, 128]
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


@pytest.fixture
def inputs(tiny_segformer: Path, segformer_onnx: Path, tmp_path: Path) -> dict[str, Path]:
    """A model whose own answers are the labels, so that its accuracy is 1 where nothing is wrong."""
    from recipebuild.toolkit.calibration.spec import ImageSpec
    from recipebuild.toolkit.evaluate.resize import enlarge
    from recipebuild.toolkit.evaluate.runners import open_model
    from recipebuild.toolkit.evaluate.segmentation import segment

    model = tmp_path / "model"
    shutil.copytree(tiny_segformer, model)
    config = {
        "image_processor_type": "SegformerImageProcessor", "size": {"height": 64, "width": 128}, "resample": 2,
        "image_mean": [m / 255 for m in MEAN], "image_std": [s / 255 for s in STD],
    }  # fmt: skip
    (model / "preprocessor_config.json").write_text(json.dumps(config))
    dataset = tmp_path / "dataset"
    for part in ("images", "labels"):
        (dataset / part).mkdir(parents=True)
    spec = ImageSpec.model_validate({"shape": SHAPE, "mean": MEAN, "std": STD})
    session, random = open_model(segformer_onnx), np.random.default_rng(0)
    for i in range(6):
        coarse = Image.fromarray(random.integers(0, 256, (4, 8, 3), dtype=np.uint8))
        image = coarse.resize((128, 64), Image.Resampling.BICUBIC)
        image.save(dataset / f"images/{i}.png")
        ids = enlarge(segment(session, image, spec), 64, 128)
        Image.fromarray(ids.astype(np.uint8)).save(dataset / f"labels/{i}.png")
    files.save(add_argmax(files.load(segformer_onnx), Head()), tmp_path / "model.onnx")
    return {"model": model, "export": segformer_onnx, "head": tmp_path / "model.onnx", "dataset": dataset}


def climbed(inputs: dict[str, Path], out: Path, *, sixteen_bits: bool = False, **changes: Any) -> dict[str, Any]:
    out.mkdir()
    spec = {"shape": SHAPE, "mean": MEAN, "std": STD} | changes
    rows = {"float": "head", "quantized": "quantized"}
    models = {row: inputs[name] for row, name in rows.items() if name in inputs}
    kept = answered(models, inputs["dataset"], out.with_name(f"{out.name} answers"), input=spec)
    (gone_up := out.with_name(f"{out.name} rungs")).mkdir()
    rungs.run(
        {**inputs, **kept}, rungs.Params.model_validate({"input": spec, "original": spec}), gone_up,
        lambda fraction, text="": None,
    )  # fmt: skip
    params = Params.model_validate({"original": spec, "sixteen_bits": sixteen_bits})
    step_inputs = {name: inputs[name] for name in ("model",) if name in inputs} | {"rungs": gone_up / "rungs.json"}
    metrics = run(step_inputs, params, out, lambda fraction, text="": None)
    assert json.loads((out / "ladder.json").read_text()) == metrics
    return metrics


def test_the_preprocessor_of_a_processor_config_is_a_rung(inputs: dict[str, Path], tmp_path: Path) -> None:
    alone = inputs["model"] / "preprocessor_config.json"
    whole = inputs["model"] / "processor_config.json"
    whole.write_text(json.dumps({"image_processor": json.loads(alone.read_text())}))
    alone.unlink()
    metrics = climbed(inputs, tmp_path / "out", mean=(0.0, 0.0, 0.0))
    assert metrics["rows"][0]["rung"] == "preprocessor"
    assert any("processor_config.json gives [123.675, 116.28, 103.53]" in text for text in metrics["warnings"])


def test_where_nothing_is_wrong_nothing_is_lost(inputs: dict[str, Path], tmp_path: Path) -> None:
    metrics = climbed(inputs, tmp_path / "out")
    assert [row["rung"] for row in metrics["rows"]] == ["preprocessor", "pytorch", "export", "head"]
    assert all(row["miou"] > 0.99 for row in metrics["rows"])
    assert metrics["rows"][1]["largest_error"] == 0
    assert metrics["rows"][2]["largest_error"] < 1e-4
    assert metrics["rows"][3]["same"] == 1.0
    assert [row.get("compared_images") for row in metrics["rows"]] == [None, 3, 3, 3], "of six: they agree"
    assert metrics["warnings"] == []
    assert "No stage loses" in metrics["verdict"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean": [0, 0, 0]}, ["input.mean is [0, 0, 0]", "gives [123.675, 116.28, 103.53]"]),
        pytest.param(
            {"std": [20, 20, 20]},
            ["input.std is [20, 20, 20]", "gives [58.395, 57.12, 57.375]"],
            marks=pytest.mark.slow,
        ),
        ({"color": "BGR"}, ["input.color is BGR", "red and blue are exchanged"]),
    ],
)
def test_wrong_preprocessing_is_no_loss_of_quantization(
    inputs: dict[str, Path], tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    inputs["quantized"] = inputs["head"]
    metrics = climbed(inputs, tmp_path / "out", **changes)
    assert metrics["rows"][0]["miou"] > 0.99
    assert metrics["rows"][1]["change"] < -0.01
    assert "Largest loss: PyTorch, recipe's input" in metrics["verdict"]
    (warning,) = metrics["warnings"]
    assert warning.startswith("RB115 the recipe's preprocessing alone takes miou of the PyTorch model from ")
    for word in words:
        assert word in warning


def test_verify_says_it_before_anything_is_compiled(inputs: dict[str, Path], tmp_path: Path) -> None:
    from recipebuild.toolkit.calibration.archive import write_archive
    from recipebuild.toolkit.calibration.source import images

    archive = tmp_path / "calibration.tar"
    with images(inputs["dataset"] / "images") as members:
        write_archive(members, archive)
    step_inputs = {name: inputs[name] for name in ("model", "export", "head")} | {"calibration": archive}
    for name, mean in (("right", MEAN), ("wrong", [103.53, 116.28, 123.675])):
        (tmp_path / name).mkdir()
        params = verify.Params.model_validate({"input": {"shape": SHAPE, "mean": mean, "std": STD}})
        warnings = verify.run(step_inputs, params, tmp_path / name, lambda fraction, text="": None)["warnings"]
        assert bool(warnings) == (name == "wrong")
    assert warnings[0].startswith("RB114 input.mean is [103.53, 116.28, 123.675]")
    assert "red and blue are exchanged" in warnings[0]


def planted(path: Path, target: Path, change: Any) -> Path:
    model = files.load(path)
    tensor = next(constant for constant in model.graph.initializer if len(constant.dims) == 4)
    weights = numpy_helper.to_array(tensor).copy()
    change(weights)
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, target)
    return target


def test_a_graph_that_was_broken_is_found_at_its_rung(inputs: dict[str, Path], tmp_path: Path) -> None:
    inputs["simplified"] = planted(inputs["export"], tmp_path / "s.onnx", lambda w: w.__imul__(-1))
    inputs["head"] = tmp_path / "h.onnx"
    files.save(add_argmax(files.load(inputs["simplified"]), Head()), inputs["head"])
    metrics = climbed(inputs, tmp_path / "out")
    assert "Largest loss: simplified, mIoU" in metrics["verdict"]
    assert metrics["rows"][3]["largest_error"] > 0.01
    assert {row.get("compared_images", 6) for row in metrics["rows"]} == {6}, "no longer a few"


def test_nan_of_any_model_is_a_failed_check(inputs: dict[str, Path], tmp_path: Path) -> None:
    inputs["export"] = planted(inputs["export"], tmp_path / "nan.onnx", lambda w: w.__setitem__((0, 0, 0, 0), np.nan))
    with pytest.raises(CheckError, match=r"nan\.onnx gives NaN"):
        climbed(inputs, tmp_path / "out")


def test_a_preprocessor_of_another_size_is_a_rung_of_its_own(inputs: dict[str, Path], tmp_path: Path) -> None:
    path = inputs["model"] / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"size": {"height": 32, "width": 64}}))
    metrics = climbed(inputs, tmp_path / "out")
    assert metrics["rows"][0]["miou"] < 0.99 < metrics["rows"][1]["miou"]
    assert metrics["rows"][1]["same"] < 1


def test_the_same_inputs_give_the_same_bytes(inputs: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        climbed(inputs, tmp_path / name)
    assert (tmp_path / "one/ladder.json").read_bytes() == (tmp_path / "two/ladder.json").read_bytes()


def simulated(inputs: dict[str, Path], path: Path, *, broken: bool = False) -> Path:
    """What a simulation gives that errs nowhere; a broken one sees class 0 everywhere."""
    named = [one.name for one in samples(inputs["dataset"], None, 0)]
    labels = {name: inputs["dataset"] / f"labels/{name}.png" for name in named}
    right = {name: np.asarray(Image.open(label), np.int32) for name, label in labels.items()}
    write_outputs(path, ((name, [ids[None] * (not broken)]) for name, ids in right.items()))
    return path


@pytest.mark.parametrize(
    ("broken", "named", "warned"),
    [
        ("neither", "No stage loses", False),
        ("reference_predictions", "Largest loss: quantization (Reference)", False),
        ("predictions", "Largest loss: compiler (NPUBackend)", True),
    ],
)
def test_quantizer_and_compiler_are_rungs_of_their_own(
    inputs: dict[str, Path], tmp_path: Path, broken: str, named: str, warned: bool
) -> None:
    for name in ("reference_predictions", "predictions"):
        # What the quantizer breaks stays broken when it is compiled.
        wrong = broken in (name, "reference_predictions")
        inputs[name] = simulated(inputs, tmp_path / f"{name}.tar", broken=wrong)
    metrics = climbed(inputs, tmp_path / "out", sixteen_bits=True)
    assert [row["rung"] for row in metrics["rows"]][-3:] == ["head", "emulated", "simulated"]
    assert named in metrics["verdict"]
    assert [text[:5] for text in metrics["warnings"]] == ["RB117"] * warned
    if warned:
        assert "16-bit layers do not survive compilation" in metrics["warnings"][0]
        assert climbed(inputs, tmp_path / "8 bits")["warnings"] == []
