"""Simulating a compiled model: files named as the documentation has it, and accuracy without a board."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.answered import answered

from recipebuild.errors import MissingError, StepError
from recipebuild.resources import shipped, template_sources
from recipebuild.steps import evaluate as evaluate_step
from recipebuild.steps import ladder as ladder_step
from recipebuild.steps import rungs as rungs_step
from recipebuild.steps.simulate import Params, run
from recipebuild.toolkit.evaluate.dataset import samples
from recipebuild.toolkit.evaluate.recorded import Recorded, write_outputs
from recipebuild.toolkit.graph.statistics import Tensor
from recipebuild.toolkit.pulsar2.build import build
from recipebuild.toolkit.pulsar2.compose import BuildSettings
from recipebuild.toolkit.pulsar2.render import rendered
from recipebuild.toolkit.pulsar2.run import file_name, simulate
from recipebuild.toolkit.pulsar2.tool import Tool

Standins = Callable[..., Path]
INPUT = {"name": "pixel_values", "shape": [1, 3, 64, 128], "mean": [128] * 3, "std": [64] * 3}
CLASSES = Tensor("argmax_output", "int64", (1, 1, 64, 128))


def silent(fraction: float, text: str = "") -> None: ...


def built(folder: Path) -> Path:
    """A compiled model of the stand-in's."""
    return build(folder, Tool("native"), hardware="AX650", progress=silent).compiled


@pytest.mark.parametrize(
    ("tensor", "file"), [("input", "input.bin"), ("a/b.c:0", "a_b_c_0.bin"), ("x-y_Z9", "x-y_Z9.bin"), ("é", "_.bin")]
)
def test_names_of_files(tensor: str, file: str) -> None:
    assert file_name(tensor) == file


@pytest.mark.parametrize("program", ["pulsar2", "docker"])
def test_each_run_gives_its_outputs(standins: Standins, pulsar2_folder: Path, program: str) -> None:
    standins("pulsar2", "docker")
    tool = Tool("native") if program == "pulsar2" else Tool("docker", "pulsar2:7.0-lite")
    model = built(pulsar2_folder)
    name = str(model.relative_to(pulsar2_folder))
    feeds = []
    for channel in range(3):
        image = np.zeros((1, 64, 128, 3), np.uint8)
        image[..., channel] = 200
        feeds.append({"pixel_values": image})
    outputs = simulate(pulsar2_folder, tool, name, feeds, [CLASSES])
    assert [set(each["argmax_output"].ravel()) for each in outputs] == [{0}, {1}, {2}]
    assert outputs[0]["argmax_output"].shape == (1, 1, 64, 128)


def test_another_group_of_shapes_is_asked_for_by_its_index(standins: Standins, pulsar2_folder: Path) -> None:
    standins("pulsar2")
    name = str(built(pulsar2_folder).relative_to(pulsar2_folder))
    feeds = [{"pixel_values": np.zeros((1, 64, 128, 3), np.uint8)}]
    assert simulate(pulsar2_folder, Tool("native"), name, feeds, [CLASSES], group=0)
    with pytest.raises(StepError, match="the model has one group of shapes, not 1"):
        simulate(pulsar2_folder, Tool("native"), name, feeds, [CLASSES], group=1)


def test_failures_are_diagnosed(standins: Standins, pulsar2_folder: Path) -> None:
    standins("pulsar2")
    name = str(built(pulsar2_folder).relative_to(pulsar2_folder))
    with pytest.raises(StepError, match="pulsar2 run failed: ValueError"):
        simulate(pulsar2_folder, Tool("native"), name, [{"pixel_values": np.zeros(5, np.uint8)}], [CLASSES])
    wrong = Tensor("argmax_output", "int64", (1, 1, 64, 64))
    with pytest.raises(StepError, match=r"left no argmax_output\.bin of argmax_output"):
        simulate(pulsar2_folder, Tool("native"), name, [{"pixel_values": np.zeros((1, 64, 128, 3), np.uint8)}], [wrong])
    with pytest.raises(MissingError):
        simulate(pulsar2_folder, Tool("docker", "pulsar2:0"), name, [], [CLASSES])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twenty images of one colour each; the label is its strongest channel."""
    folder = tmp_path / "labelled"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for at in range(20):
        colour = [0, 0, 0]
        colour[at % 3] = 200
        Image.new("RGB", (128, 64), tuple(colour)).save(folder / "images" / f"{at:02}.png")
        Image.fromarray(np.full((64, 128), at % 3, np.uint8)).save(folder / "labels" / f"{at:02}.png")
    return folder


def simulated(compiled: Path, dataset: Path, tmp_path: Path, quantized: Path | None = None, **params: Any) -> Path:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    parsed = Params.model_validate({"input": INPUT, "runner": "native"} | params)
    with contextlib.chdir(work):
        inputs = {"compiled": compiled, "dataset": dataset} | ({"quantized": quantized} if quantized else {})
        metrics = run(inputs, parsed, out, silent)
    assert metrics == {"images": params.get("count", 10 if params.get("few") else 20)}
    return out / "predictions.tar"


def test_the_dataset_goes_through_the_compiled_model(
    standins: Standins, pulsar2_folder: Path, dataset: Path, tmp_path: Path, colour_model: Callable[..., Path]
) -> None:
    standins("pulsar2")
    compiled = built(pulsar2_folder)
    predictions = simulated(compiled, dataset, tmp_path)
    spec = {**INPUT, "shape": [1, 3, 16, 32]}
    kept = answered({"float": colour_model()}, dataset, tmp_path, input=spec)
    (tmp_path / "evaluated").mkdir()
    metrics = evaluate_step.run(
        {"model": colour_model(), **kept, "quantized": predictions, "dataset": dataset},
        evaluate_step.Params(),
        tmp_path / "evaluated",
        silent,
    )
    assert metrics["miou_quantized"] == metrics["miou_float"] == 1.0
    assert json.loads((tmp_path / "evaluated" / "evaluation.json").read_text())["drop"] == 0.0


def test_the_quantized_model_takes_the_place_of_the_compiled_one_in_mode_reference(
    standins: Standins, pulsar2_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    standins("pulsar2")
    made = build(pulsar2_folder, Tool("native"), hardware="AX650", progress=silent)
    quantized = made.files["quant/quant_axmodel.onnx"]
    assert quantized.with_suffix(".data") in made.files.values()
    (tmp_path / "none").touch()  # the compiled model is not looked at
    params = {"mode": "Reference", "count": 4}
    recorded = Recorded(simulated(tmp_path / "none", dataset, tmp_path, quantized=quantized.parent, **params))
    chosen = [one.name for one in samples(dataset, 4, 0)]
    assert [int(recorded.output(name).max()) for name in chosen] == [int(name) % 3 for name in chosen]


@pytest.mark.parametrize(
    ("fail", "words"),
    [("", "No stage loses accuracy."), ("backend", "Largest loss: compiler (NPUBackend), mIoU 100.00 to ")],
)
def test_what_only_the_compiled_model_loses_is_the_compilers(
    standins: Standins,
    pulsar2_folder: Path,
    dataset: Path,
    tmp_path: Path,
    colour_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    fail: str,
    words: str,
) -> None:
    standins("pulsar2")
    made = build(pulsar2_folder, Tool("native"), hardware="AX650", progress=silent)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", fail)
    quantized = made.files["quant/quant_axmodel.onnx"].parent
    inputs = {"reference": colour_model(), "head": colour_model(), "dataset": dataset}
    for name, mode in (("predictions", "NPUBackend"), ("reference_predictions", "Reference")):
        folder = tmp_path / mode
        folder.mkdir()
        compiled = made.files["compiled.axmodel"]
        inputs[name] = simulated(compiled, dataset, folder, quantized=quantized, mode=mode, few=True)
    for name in ("rungs", "ladder"):
        (tmp_path / name).mkdir()
    spec = {**INPUT, "shape": [1, 3, 16, 32]}
    inputs |= answered({"float": colour_model()}, dataset, tmp_path, input=spec)
    gone_up = rungs_step.Params.model_validate({"input": spec, "original": spec})
    rungs_step.run(inputs, gone_up, tmp_path / "rungs", silent)
    judged = ladder_step.Params.model_validate({"original": spec})
    metrics = ladder_step.run({"rungs": tmp_path / "rungs/rungs.json"}, judged, tmp_path / "ladder", silent)
    assert words in metrics["verdict"]
    assert [row["rung"] for row in metrics["rows"]] == ["reference", "head", "emulated", "simulated"]
    assert metrics["images"] == 10  # of 20 every second


def test_a_model_that_a_camera_feeds_is_simulated_on_images_made_yuv(
    standins: Standins, pulsar2_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    standins("pulsar2")
    runtime = {"format": "YUV420SP"}
    fields = {"hardware": "AX650", "npu_mode": "NPU3", "count": 8, "input": INPUT, "runtime": runtime}
    config = rendered(BuildSettings.model_validate(fields), template_sources([shipped("templates")])["pulsar2"])
    (pulsar2_folder / "pulsar2.json").write_text(config.text)
    recorded = Recorded(simulated(built(pulsar2_folder), dataset, tmp_path, runtime=runtime))
    for at in range(20):
        assert (recorded.output(f"{at:02}") == at % 3).all()


def test_only_as_many_as_are_evaluated(standins: Standins, pulsar2_folder: Path, dataset: Path, tmp_path: Path) -> None:
    standins("pulsar2")
    compiled = built(pulsar2_folder)
    recorded = Recorded(simulated(compiled, dataset, tmp_path, count=3, seed=1))
    with pytest.raises(StepError, match="no output for 99"):
        recorded.output("99")


def test_recorded_ids_are_the_same_bytes(tmp_path: Path) -> None:
    ids = np.arange(6).reshape(2, 3)
    for name in ("a.tar", "b.tar"):
        write_outputs(tmp_path / name, [("street/1", [ids]), ("ö" * 120, [ids])])
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    np.testing.assert_array_equal(Recorded(tmp_path / "a.tar").output("street/1"), ids)


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(6, dtype=np.int64).reshape(1, 1, 2, 3),
        np.array([[[0, 255], [256, 65535]]]),  # a picture of 16 bits
        np.array([[[-1, 0], [1, 65536]]]),  # no picture
        np.array([7]),
    ],
)
def test_what_was_recorded_comes_back_as_it_was(tmp_path: Path, ids: np.ndarray) -> None:
    values = np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 4, 6)
    write_outputs(tmp_path / "a.tar", [("a", [ids, values]), ("b", [values])])
    recorded = Recorded(tmp_path / "a.tar")
    for kept, right in zip(recorded.outputs("a"), (ids, values), strict=True):
        np.testing.assert_array_equal(kept, right)
        assert kept.shape == right.shape
    (alone,) = recorded.outputs("b")
    np.testing.assert_array_equal(alone, values)
