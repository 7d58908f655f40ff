"""Lock files: what they hold, and that a locked build refuses anything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import twins
from support.project import Project


@pytest.fixture(scope="module")
def locked(make_project: Callable[[], Project]) -> Project:
    project = make_project()
    output = project.command("lock", project.recipe).stdout
    assert output.strip() == str(project.recipe.with_suffix(".lock"))
    return project


def test_a_lock_file_holds_what_comes_from_outside(locked: Project) -> None:
    value = json.loads(locked.recipe.with_suffix(".lock").read_text())
    weights = locked.folder / "recipes/model/model.safetensors"
    assert value["inputs"]["fetch"]["files"]["model/model.safetensors"] == twins.digest(weights)
    assert value["inputs"]["calibrate"]["files"].keys() == {"calibration.tar"}
    assert value["toolchain"]["all"]["name"] == "onnxruntime"
    assert {"torch", "onnx", "onnxruntime", "pillow"} <= value["distributions"].keys()
    assert str(locked.folder) not in json.dumps(value)


def test_a_locked_run_passes_while_nothing_differs(locked: Project) -> None:
    locked.command("run", locked.recipe, "--locked", "--until", "calibrate")
    value = json.loads(locked.recipe.with_suffix(".lock").read_text())
    assert value["inputs"]["calibrate"]["files"]["calibration.tar"] == twins.digest(locked.build / "calibration.tar")
    assert "nothing to do" in locked.command("run", locked.recipe, "--locked", "--until", "calibrate").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "calibration.count=3"], ["inputs calibrate files calibration.tar"]),
        (["--weights", "random"], ["inputs fetch files model/model.safetensors", "not there here"]),
    ],
)
def test_a_difference_ends_with_5_and_is_printed(locked: Project, arguments: list[str], words: list[str]) -> None:
    failed = locked.command("run", locked.recipe, "--locked", *arguments, code=5)
    for word in [*words, "recipebuild lock"]:
        assert word in failed.stderr


def test_another_toolchain_is_a_difference(locked: Project, standins: Callable[..., Path]) -> None:
    standins("pulsar2")
    failed = locked.command("run", locked.recipe, "--locked", "--toolchain", "pulsar2", code=5)
    assert "toolchain all name: onnxruntime in the lock file, pulsar2 here" in failed.stderr


def test_another_version_of_a_package_is_a_difference(locked: Project) -> None:
    path = locked.recipe.with_suffix(".lock")
    right = path.read_text()
    value = json.loads(right)
    value["distributions"]["torch"] = "1.0"
    path.write_text(json.dumps(value))
    failed = locked.command("run", locked.recipe, "--locked", code=5)
    path.write_text(right)
    assert "distributions torch: 1.0 in the lock file" in failed.stderr


def test_other_weights_are_a_difference_before_anything_is_built(locked: Project) -> None:
    weights = locked.folder / "recipes/model/model.safetensors"
    keep = locked.folder / "keep"
    shutil.copyfile(weights, keep)
    content = bytearray(keep.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    failed = locked.command("run", locked.recipe, "--locked", code=5)
    shutil.copyfile(keep, weights)
    assert "model/model.safetensors" in failed.stderr and "export" not in failed.stderr


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"version": 0}'])
def test_a_lock_file_that_is_none_ends_with_2(locked: Project, text: str | None) -> None:
    path = locked.recipe.with_suffix(".lock")
    right = path.read_text()
    path.unlink()
    if text is not None:
        path.write_text(text)
    failed = locked.command("run", locked.recipe, "--locked", code=2)
    path.write_text(right)
    assert "tiny.lock" in failed.stderr and "recipebuild lock" in failed.stderr
