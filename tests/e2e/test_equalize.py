"""A recipe with ``equalize``: the same graph for both toolchains, and what is built again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.project import Project


def outputs(project: Project) -> dict[str, str]:
    return {output["path"]: output["sha256"] for step in project.manifest()["steps"] for output in step["outputs"]}


@pytest.fixture(scope="module")
def equalized(make_built_project: Callable[[], Project]) -> Project:
    project = make_built_project()
    plain = outputs(project)["model.onnx"]
    project.recipe.write_text(project.recipe.read_text() + "equalize: {}\n")
    project.command("run", project.recipe)
    assert outputs(project)["model.onnx"] != plain
    return project


def step(project: Project, name: str) -> dict[str, Any]:
    (entry,) = [entry for entry in project.manifest()["steps"] if entry["name"] == name]
    return dict(entry)


def test_both_toolchains_compile_the_equalized_graph(equalized: Project, standins: Callable[..., Path]) -> None:
    figures = step(equalized, "equalize")["metrics"]
    assert {site["technique"] for site in figures["sites"]} <= {"layer_norm", "linear", "query_key"}
    assert figures["sites"] and figures["relative"] < 1e-5
    here = outputs(equalized)
    stages = {row["stage"]: row for row in step(equalized, "verify")["metrics"]["stages"]}
    assert stages["equalize"]["relative"] < 1e-4, "verify holds it against the rewritten model"

    standins("pulsar2")
    equalized.command("run", equalized.recipe)
    assert equalized.manifest()["toolchain"]["name"] == "pulsar2"
    assert outputs(equalized)["model.onnx"] == here["model.onnx"]
    config = json.loads((equalized.build / "pulsar2.json").read_text())
    assert config["input"] == "model.onnx"
    assert not any("smooth" in name for name in config["quant"])


def test_the_calibration_set_is_what_it_is_equalized_by(equalized: Project) -> None:
    equalized.command("run", equalized.recipe, "--set", "input.mean=[120, 117, 104]", "--until", "head")
    assert equalized.built() == {"equalize", "head"}
    equalized.command("run", equalized.recipe, "--set", "equalize.query_key=false", "--until", "head")
    assert "equalize" in equalized.built() and "rewrite" not in equalized.built()
    assert all(site["technique"] != "query_key" for site in step(equalized, "equalize")["metrics"]["sites"])
    explained = equalized.command("explain", equalized.recipe, "equalize").stdout
    assert "equalize" in explained


def test_corrected_biases_are_compiled_and_change_nothing_before(
    equalized: Project, standins: Callable[..., Path]
) -> None:
    correct = ("--set", "equalize.bias_correction=true")
    equalized.command("run", equalized.recipe)  # all of it is cached
    before = outputs(equalized)
    equalized.command("run", equalized.recipe, *correct)
    after = outputs(equalized)
    assert {"correct-bias", "configure", "compile"} <= equalized.built()
    assert equalized.built().isdisjoint({"equalize", "head", "verify", "answers-float"})
    assert after["model.onnx"] == before["model.onnx"] and after["quantized.onnx"] != before["quantized.onnx"]
    assert (equalized.build / "corrected.onnx").is_file()
    assert step(equalized, "correct-bias")["metrics"]["sites"]
    assert "Corrected biases" in (equalized.build / "report.html").read_text()

    standins("pulsar2")
    equalized.command("run", equalized.recipe, *correct)
    taken = outputs(equalized)["steps/compile/quant/quant_axmodel.onnx"]  # by the stand-in
    assert taken == after["corrected.onnx"], "both toolchains see the same graph"
    assert json.loads((equalized.build / "pulsar2.json").read_text())["input"] == "corrected.onnx"
