"""``quantization.method: auto``, from the recipe to the figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.project import Project

from recipebuild.resources import shipped
from scripts.plant_outliers import plant

RECIPE = """\
extends: quickstart
model: {{source: {model}}}
calibration: {{count: 8}}
target: {{toolchain: onnxruntime}}
"""


def step(project: Project, name: str, method: str) -> dict[str, Any]:
    done = project.command(
        "run", project.recipe, "--set", f"quantization.method={method}", "--until", "layers", "--json"
    )
    figures: dict[str, Any] = next(each["metrics"] for each in json.loads(done.stdout)["steps"] if each["name"] == name)
    return figures


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least"), [("quickstart", 0.0), ("channels", 1.0)])
def test_it_is_no_worse_than_minmax_and_better_where_channels_differ(
    make_project: Callable[[], Project], kind: str, least: float
) -> None:
    project = make_project()
    model = shipped("recipes") / "quickstart" / "model"
    if kind != "quickstart":
        plant(model, project.folder / kind, kind)
        model = project.folder / kind
    project.recipe.write_text(RECIPE.format(model=model))
    plain, chosen = (step(project, "layers", method)["snr_db"] for method in ("MinMax", "auto"))
    assert chosen >= plain + least
    methods = step(project, "compile", "auto")["methods"]
    assert methods["MinMax"] and len(methods) > 1


def test_pulsar2_has_one_method_for_all_tensors(make_project: Callable[[], Project]) -> None:
    project = make_project()
    refused = project.command("check", project.recipe, "--set", "quantization.method=auto", code=2)
    assert "Pulsar2 has one for all of them" in refused.stderr + refused.stdout
    here = ["--set", "quantization.method=auto", "--set", "target.toolchain=onnxruntime"]
    done = project.command("run", project.recipe, *here, "--until", "configure")
    assert "RB316" in done.stderr + done.stdout
    config = next(project.store.rglob("pulsar2.json"), None) or project.build / "pulsar2.json"
    assert json.loads(config.read_text())["quant"].get("calibration_method", "MinMax") == "MinMax"
