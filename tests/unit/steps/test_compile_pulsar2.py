"""The step compile with Pulsar2, against stand-ins of the tool and of docker that are strict about their arguments."""

from __future__ import annotations

import contextlib
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.errors import MissingError, StepError
from recipebuild.steps.compile_pulsar2 import Params, run
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.calibration.tensors import write_tensors
from recipebuild.toolkit.quantize.dataset import CalibrationSet

NATIVE = {"hardware": "AX650", "runner": "native"}
DOCKER = {"hardware": "AX650", "runner": "docker", "image": "pulsar2:7.0-lite"}
BOTH = pytest.mark.parametrize(("program", "params"), [("pulsar2", NATIVE), ("docker", DOCKER)])
FILES = {
    "compiled.axmodel", "build_context.json", "frontend/optimized.onnx", "frontend/optimized.data",
    "used.json", "precision.json",
    *(f"quant/quant_axmodel.{suffix}" for suffix in ("json", "onnx", "data")),
}  # fmt: skip
Standins = Callable[..., Path]


@pytest.fixture
def inputs(pulsar2_folder: Path) -> dict[str, Path]:
    """The step's inputs, read-only, as in a store."""
    for path in pulsar2_folder.iterdir():
        path.chmod(0o444)
    names = {"model": "model.onnx", "calibration": "calibration.tar", "config": "pulsar2.json"}
    return {name: pulsar2_folder / file for name, file in names.items()}


def compile_(inputs: dict[str, Path], params: dict[str, Any], tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir()
    work.mkdir()
    with contextlib.chdir(work), (tmp_path / "log").open("w") as log, contextlib.redirect_stdout(log):
        return out, run(inputs, Params.model_validate(params), out, lambda fraction, text="": None)


def used(out: Path) -> dict[str, Any]:
    """The configuration that the stand-in worked with, flags included."""
    config: dict[str, Any] = json.loads((out / "build_context.json").read_text())["config"]
    return config


def change(inputs: dict[str, Path], **fields: Any) -> None:
    """Give the step another configuration."""
    changed = inputs["config"].with_name("changed.json")
    changed.write_text(json.dumps(json.loads(inputs["config"].read_text()) | fields))
    inputs["config"] = changed


@BOTH
def test_outputs_and_figures(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, program: str, params: dict[str, Any]
) -> None:
    standins(program)
    out, metrics = compile_(inputs, params, tmp_path)
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == FILES
    assert metrics == {
        "bytes": (out / "compiled.axmodel").stat().st_size,
        "version": "7.0",
        "commit": "5ca1ab1e",
        "npu_mode": "NPU3",
        "inputs": [{"name": "pixel_values", "dtype": "uint8", "shape": (1, 64, 128, 3)}],
        "calibration_files": 8,
        "transformer_opt_level": 0,
        "precisions": {"U8": 1},
        "macs": 280262480,
        "subgraphs": {"NPU": 1},
        "max_cycle": 450154,
    }


def test_the_stand_in_leaves_an_onnx_file_as_the_tool_does(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path
) -> None:
    import onnx

    standins("pulsar2")
    out, _ = compile_(inputs, NATIVE, tmp_path)
    model = onnx.load(out / "compiled.axmodel")
    (source,), (result,) = model.graph.input, model.graph.output
    assert (model.producer_name, model.graph.node[0].op_type) == ("Pulsar2", "neu mode")
    assert source.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_value for dim in source.type.tensor_type.shape.dim] == [1, 64, 128, 3]
    assert result.name == "argmax_output"


def test_the_tool_gets_the_recipes_configuration(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    out, _ = compile_(inputs, NATIVE, tmp_path)
    assert used(out) == json.loads(inputs["config"].read_text()) | {
        "output_dir": "out",
        "output_name": "compiled.axmodel",
        "target_hardware": "AX650",
    }


def test_the_recipes_hardware_wins(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    out, _ = compile_(inputs, NATIVE | {"hardware": "M76H"}, tmp_path)
    assert used(out)["target_hardware"] == "M76H"


def test_the_compiled_model_has_its_name_whatever_a_template_says(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path
) -> None:
    standins("pulsar2")
    change(inputs, output_name="segformer.axmodel", output_dir="elsewhere")
    out, _ = compile_(inputs, NATIVE, tmp_path)
    assert (out / "compiled.axmodel").is_file()


@BOTH
@pytest.mark.parametrize(
    ("fail", "says", "remedy"),
    [
        ("operator", "Pulsar2 does not know the operator LRN (KeyError('dont support LRN", "replace it before export"),
        ("ocm", "a ReduceSum is too large for the memory on the chip (TileFailException", "input.shape"),
        ("killed", "was killed, most often because memory ran out", "-j 1"),
        ("calibration", "cannot read the calibration archive", "calibration.source"),
        ("license", "found no valid licence", "root"),
        ("crash", "failed: KeyError(('ddr_allocate', 17))", "log"),
        ("no-output", "wrote no compiled.axmodel", "log"),
    ],
)
def test_failures(
    standins: Standins,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    params: dict[str, Any],
    fail: str,
    says: str,
    remedy: str,
) -> None:
    standins(program)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", fail)
    with pytest.raises(StepError) as caught:
        compile_(inputs, params, tmp_path)
    assert says in caught.value.message
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.message
    assert not list((tmp_path / "out").iterdir()), "something half-done was kept"


def test_a_part_on_the_cpu_is_a_warning_with_its_operators(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "cpu")
    _, metrics = compile_(inputs, NATIVE, tmp_path)
    assert metrics["warnings"] == ["RB601 on_the_cpu runs on the CPU: NonZero"]
    assert metrics["subgraphs"] == {"NPU": 1, "CPU": 1}


def test_a_model_that_is_not_what_was_promised_is_refused(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "other-input")
    with pytest.raises(StepError, match="not what the configuration promises: input pixel_values is int8, not uint8"):
        compile_(inputs, NATIVE, tmp_path)


ASKS_U16 = {"quant": {"layer_configs": [{"layer_name": "argmax", "data_type": "U16"}]}}


def asks(inputs: dict[str, Path], **quant: Any) -> None:
    change(inputs, quant=json.loads(inputs["config"].read_text())["quant"] | ASKS_U16["quant"] | quant)


def test_a_precision_that_was_got(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    asks(inputs)
    out, metrics = compile_(inputs, NATIVE, tmp_path)
    assert json.loads((out / "precision.json").read_text()) == {"dropped": [], "got": {"U16": 1}}
    assert metrics["precisions"] == {"U16": 1}
    assert "warnings" not in metrics


def test_a_precision_that_was_dropped(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    asks(inputs)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "drops")
    out, metrics = compile_(inputs, NATIVE, tmp_path)
    assert metrics["warnings"] == ["RB312 ArgMax argmax: asked for U16, got U8"]
    assert json.loads((out / "precision.json").read_text()) == {
        "dropped": ["ArgMax argmax: asked for U16, got U8"], "got": {"U8": 1},
    }  # fmt: skip


@BOTH
def test_layers_that_the_tool_renamed_are_asked_for_by_their_new_names(
    standins: Standins,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    params: dict[str, Any],
) -> None:
    """The tool makes names up; it is ended once they can be known, and begins again with them."""
    standins(program)
    asks(inputs)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "renames")
    out, metrics = compile_(inputs, params, tmp_path)
    assert metrics["renamed_layers"] == {"argmax": ["op_0:onnx.ArgMax_0"]}
    assert metrics["precisions"] == {"U16": 1} and "warnings" not in metrics
    config = json.loads((out / "used.json").read_text())
    assert config["quant"]["layer_configs"] == [{"layer_names": ["op_0:onnx.ArgMax_0"], "data_type": "U16"}]
    assert used(out)["quant"]["layer_configs"] == config["quant"]["layer_configs"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_earlier(place: Path) -> Path:
    """What ``compile_`` left in ``place``, as the engine gives it to a later build."""
    shutil.copytree(place / "out", folder := place / "earlier")
    shutil.copyfile(place / "log", folder / ".log")
    return folder


@pytest.mark.parametrize("fail", ["", "renames"])
def test_what_the_tool_was_asked_before_is_taken_over_without_the_tool(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: str
) -> None:
    standins("pulsar2")
    asks(inputs, precision_analysis=True)
    change(inputs, compiler={"npu_perf": True})
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", fail)
    first, metrics = compile_(inputs, NATIVE, tmp_path)
    monkeypatch.setenv("PATH", "")
    before = tmp_path
    for again in ("second", "third"):
        (place := tmp_path / again).mkdir()
        out, figures = compile_({**inputs, "earlier": as_earlier(before)}, NATIVE, place)
        assert contents(out) == contents(first)
        assert figures == metrics
        before = place


def words(earlier: Path, inputs: dict[str, Path]) -> None:
    log = earlier / ".log"
    log.write_text(log.read_text().replace("hardware AX650", "hardware AX620E"))


def configuration(earlier: Path, inputs: dict[str, Path]) -> None:
    change(inputs, npu_mode="NPU1")


def names_of_layers(earlier: Path, inputs: dict[str, Path]) -> None:
    used = json.loads((earlier / "used.json").read_text())
    used["quant"]["layer_configs"][0]["layer_names"] = ["another"]
    (earlier / "used.json").write_text(json.dumps(used))


def log_of_an_older_version(earlier: Path, inputs: dict[str, Path]) -> None:
    log = earlier / ".log"
    log.write_text("".join(line for line in log.read_text().splitlines(keepends=True) if not line.startswith("$ ")))


@pytest.mark.parametrize(
    "changed",
    [
        words,
        configuration,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (names_of_layers, log_of_an_older_version)),
    ],
)
def test_what_it_was_asked_in_another_way_is_not(
    standins: Standins,
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changed: Callable[[Path, dict[str, Path]], None],
) -> None:
    standins("pulsar2")
    asks(inputs)
    monkeypatch.setenv("PULSAR2_STANDIN_FAIL", "renames")
    compile_(inputs, NATIVE, tmp_path)
    changed(before := as_earlier(tmp_path), inputs)
    for again in ("anew", "after"):
        (tmp_path / again).mkdir()
    anew, figures = compile_(inputs, NATIVE, tmp_path / "anew")
    assert compile_({**inputs, "earlier": before}, NATIVE, tmp_path / "after")[1] == figures
    assert contents(tmp_path / "after" / "out") == contents(anew)


def test_a_layer_that_is_nowhere_is_an_error_before_it_is_compiled(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path
) -> None:
    standins("pulsar2")
    asks(inputs, layer_configs=[{"layer_name": "argmac", "data_type": "U16"}])
    with pytest.raises(StepError, match="no layer is named argmac") as caught:
        compile_(inputs, NATIVE, tmp_path)
    assert "did you mean argmax?" in caught.value.remedy
    assert not list((tmp_path / "out").iterdir())


def test_profile_and_precision_analysis_are_kept(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    asks(inputs, precision_analysis=True)
    change(inputs, compiler={"npu_perf": True})
    out, metrics = compile_(inputs, NATIVE, tmp_path)
    folder = out / "compiler" / "debug" / "subgraph_npu_0" / "b1"
    assert {path.name for path in folder.iterdir()} == {"trace.json", "op_profile.csv"}
    assert metrics["npu_perf"]["engines"] == {"teng": 0.6667, "sdma": 0.3333}
    assert metrics["npu_perf"]["operators"] == [{"layer": "argmax", "module": None, "share": 1.0}]
    assert metrics["precision"][0].items() >= {"operator": "argmax", "dtype": "U16", "cosine": 0.9993}.items()


def test_tensors_in_place_of_images(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    spec = ImageSpec(shape=(1, 3, 64, 128), mean=(1, 2, 3), std=(4, 5, 6))
    write_tensors(CalibrationSet(inputs["calibration"], spec).named(), "Numpy", tmp_path / "tensors.tar")
    settings = {"tensor_name": "pixel_values", "calibration_dataset": "calibration-tensors.tar"}
    change(inputs, quant={"input_configs": [settings | {"calibration_format": "Numpy"}]})
    inputs["calibration"] = tmp_path / "tensors.tar"
    _, metrics = compile_(inputs, NATIVE, tmp_path)
    assert metrics["calibration_files"] == 8


def test_an_archive_that_the_build_does_not_make(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    change(inputs, quant={"input_configs": [{"tensor_name": "pixel_values", "calibration_dataset": "left.tar"}]})
    with pytest.raises(StepError, match=r"calibration data from left\.tar, which this build does not make"):
        compile_(inputs, NATIVE, tmp_path)


def test_an_archive_without_images(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    inputs["calibration"] = tmp_path / "empty.tar"
    tarfile.open(inputs["calibration"], "w").close()
    with pytest.raises(StepError, match="finds no image in it"):
        compile_(inputs, NATIVE, tmp_path)


def test_a_damaged_model(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    inputs["model"] = tmp_path / "damaged.onnx"
    inputs["model"].write_bytes(b"\xff" * 100)
    with pytest.raises(StepError, match="cannot read the model file"):
        compile_(inputs, NATIVE, tmp_path)


def test_a_configuration_for_another_input(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    change(inputs, input_processors=[{"tensor_name": "images"}])
    with pytest.raises(StepError, match="names an input images that the model does not have"):
        compile_(inputs, NATIVE, tmp_path)


def test_a_model_with_weights_in_a_second_file(standins: Standins, inputs: dict[str, Path], tmp_path: Path) -> None:
    standins("pulsar2")
    inputs["model"].with_name("model.onnx.data").write_bytes(b"weights")
    with pytest.raises(StepError, match="second file"):
        compile_(inputs, NATIVE, tmp_path)


@pytest.mark.parametrize(
    ("programs", "params", "says"),
    [
        ([], NATIVE, "pulsar2 is not on PATH"),
        ([], DOCKER, "neither docker nor podman has the image pulsar2:7.0-lite"),
        (["docker"], DOCKER | {"image": "pulsar2:8.0"}, "neither docker nor podman has the image pulsar2:8.0"),
    ],
)
def test_a_toolchain_that_is_gone(
    standins: Standins, inputs: dict[str, Path], tmp_path: Path, programs: list[str], params: dict[str, Any], says: str
) -> None:
    standins(*programs)
    with pytest.raises(MissingError, match=says):
        compile_(inputs, params, tmp_path)


@pytest.mark.parametrize(
    "params",
    [{"hardware": "AX650", "runner": "podman"}, {"hardware": "AX650"}, NATIVE | {"tag": "x"}, DOCKER | {"image": 1}],
)
def test_bad_parameters(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate(params)
