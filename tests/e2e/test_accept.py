"""Accepting a build, and what later builds are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

from support.project import Project


def test_accept_then_better_same_or_worse(make_built_project: Callable[[], Project]) -> None:
    project = make_built_project()
    shutil.rmtree(project.build)
    unbuilt = project.command("accept", project.recipe, code=2)
    assert "no build that succeeded" in unbuilt.stderr
    project.command("run", project.recipe)
    path = project.recipe.with_name("tiny.accepted.json")
    alone = project.command("run", project.recipe, "--fail-on-regression", code=5)
    assert "nothing was compared with accepted figures" in alone.stderr
    assert project.command("accept", project.recipe).stdout.strip() == str(path)
    accepted = json.loads(path.read_text())["builds"][""]
    manifest = project.manifest()
    assert accepted["value"] == manifest["metrics"]["miou_quantized"]
    assert accepted["bytes"] == (project.build / "quantized.onnx").stat().st_size
    assert len(accepted["per_image"]) == 2
    assert len(accepted["digests"]["quantized.onnx"]) == 64

    again = project.command("run", project.recipe, "--fail-on-regression").stdout
    assert "nothing to do" in again
    assert "against what was accepted: same within noise" in again

    accepted["per_image"] = {name: value + 0.5 for name, value in accepted["per_image"].items()}
    accepted["value"] += 0.5
    path.write_text(json.dumps({"version": 1, "recipe": "tiny", "builds": {"": accepted}}))
    worse = project.command("run", project.recipe)
    assert "against what was accepted: worse" in worse.stdout
    failed = project.command("run", project.recipe, "--fail-on-regression", code=5)
    assert "worse than what was accepted" in failed.stderr
    assert (project.build / "quantized.onnx").is_file()
    assert json.loads(project.command("run", project.recipe, "--json").stdout)["verdict"][""]["verdict"] == "worse"

    changed = project.command("accept", project.recipe, "--set", "calibration.count=3", code=2)
    assert "is not what" in changed.stderr
    path.write_text("{}")
    assert "no accepted figures" in project.command("run", project.recipe, code=2).stderr


def test_a_matrix_is_told_in_one_table(make_built_project: Callable[[], Project]) -> None:
    project = make_built_project()
    project.recipe.write_text(project.recipe.read_text() + "matrix: {quantization.method: [MinMax, MSE]}\n")
    output = project.command("run", project.recipe).stdout
    assert "builds compared" in output
    rows = [line.split() for line in output.splitlines() if line.startswith("tiny method=")]
    assert [row[1] for row in rows] == ["method=MinMax", "method=MSE"]
    assert "builds compared" in project.command("run", project.recipe).stdout
