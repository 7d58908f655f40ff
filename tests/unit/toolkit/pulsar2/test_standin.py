"""The stand-in pulsar2 refuses what the documentation does not have: else tests against it would prove nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STANDINS = Path(__file__).resolve().parents[3] / "standins"


def pulsar2(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, STANDINS / "pulsar2", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def change(folder: Path, path: str, value: Any) -> None:
    """Set the field at ``quant.input_configs.0.tensor_name`` of the configuration."""
    config = place = json.loads((folder / "pulsar2.json").read_text())
    *outer, name = path.split(".")
    for step in outer:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[name] = value
    (folder / "pulsar2.json").write_text(json.dumps(config))


def test_what_configure_writes_can_be_built_in_the_build_folder_as_it_is(pulsar2_folder: Path) -> None:
    done = pulsar2(pulsar2_folder, "build", "--config", "pulsar2.json")
    assert done.returncode == 0, done.stdout + done.stderr
    written = {
        str(path.relative_to(pulsar2_folder / "pulsar2"))
        for path in (pulsar2_folder / "pulsar2").rglob("*")
        if path.is_file()
    }
    assert {"compiled.axmodel", "build_context.json", "frontend/optimized.onnx", "quant/quant_axmodel.json"} <= written


def test_version(tmp_path: Path) -> None:
    assert pulsar2(tmp_path, "version").stdout == "version: 7.0\ncommit: 5ca1ab1e\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["compile"],
        ["version", "--json"],
        ["build", "--config", "pulsar2.json", "--fast"],
        ["build", "--config", "pulsar2.json", "--npu_mode", "NPU4"],
        ["build", "--config", "pulsar2.json", "--npu_mode", "NPU1", "--npu_mode", "NPU2"],
        ["build", "--config", "pulsar2.json", "--quant.input_configs", "[]"],
        ["build", "--config", "pulsar2.json", "model.onnx", "extra"],
        ["build", "--config", "pulsar2.json", "--input"],
        ["build", "--config", "pulsar2.json", "--input", "other.onnx"],
        ["build", "--config", "other.json"],
        ["build", "--input", "model.onnx", "--output_dir", "out"],
    ],
)
def test_arguments_that_are_refused(pulsar2_folder: Path, arguments: list[str]) -> None:
    assert pulsar2(pulsar2_folder, *arguments).returncode != 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("quantization", {}),
        ("quant.calibration_metod", "MSE"),
        ("quant.calibration_method", "Best"),
        ("quant.precision_analysis", "yes"),
        ("quant.input_configs.0.tensor_name", "images"),
        ("quant.input_configs.0.calibration_dataset", "calibration"),
        ("quant.input_configs.0.calibration_dataset", "other.tar"),
        ("quant.input_configs.0.calibration_mean", "0 0 0"),
        ("quant.input_configs.0.calibration_size", "8"),
        ("quant.input_configs", []),
        ("input_processors.0.src_dtype", "UINT8"),
        ("input_processors.0.tensor_name", "images"),
        ("target_hardware", "AX8860"),
        ("compiler.check", 4),
    ],
)
def test_configurations_that_are_refused(pulsar2_folder: Path, path: str, value: Any) -> None:
    change(pulsar2_folder, path, value)
    assert pulsar2(pulsar2_folder, "build", "--config", "pulsar2.json").returncode != 0
    assert not (pulsar2_folder / "pulsar2" / "compiled.axmodel").exists()


def test_flags_win_over_the_configuration(pulsar2_folder: Path) -> None:
    flags = ["--output_dir", "out", "--quant.calibration_method", "MSE", "--compiler.npu_perf"]
    assert pulsar2(pulsar2_folder, "build", "--config", "pulsar2.json", *flags).returncode == 0
    used = json.loads((pulsar2_folder / "out" / "build_context.json").read_text())["config"]
    assert (used["quant"]["calibration_method"], used["compiler"]["npu_perf"]) == ("MSE", True)


CALL = (
    "run --rm --pull never --network none --entrypoint /bin/sh --name c -v {folder}:/data -w /data pulsar2:7.0-lite "
    "-c SCRIPT pulsar2 version"
)
SCRIPT = 'exec pulsar2 "$@"'


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("--rm ", ""),
        ("none", "bridge"),
        ("--entrypoint /bin/sh ", ""),
        ("--rm", "--rm --mount type=bind,source=/,target=/host,readonly"),
        ("never", "missing"),
        ("--name c ", ""),
        ("--rm", "--rm --privileged"),
        ("--rm", "--rm -v /tmp:/tmp"),
        ("{folder}:", "/:"),
        ("{folder}:", "{folder}/..:"),
        (":/data", ":/"),
        ("7.0-lite", "9.9"),
        ("-c SCRIPT", "SCRIPT"),
        ("run", "exec"),
    ],
)
def test_calls_that_the_stand_in_docker_refuses(tmp_path: Path, word: str, instead: str) -> None:
    (tmp_path / "build").mkdir()
    environment = os.environ | {"DOCKER_STANDIN_STATE": str(tmp_path), "HOME": str(tmp_path)}

    def docker(call: str) -> int:
        words = [SCRIPT if word == "SCRIPT" else word for word in call.format(folder=tmp_path / "build").split()]
        command = [sys.executable, str(STANDINS / "docker"), *words]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    assert docker(CALL) == 0
    assert docker(CALL.replace(word, instead, 1)) != 0
