"""``recipebuild tune``, run as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.project import Project

from recipebuild.resources import shipped
from scripts.plant_outliers import plant

HARD = """\
extends: quickstart
model: {{source: ./model}}   # with outliers
calibration: {{source: {recipes}/quickstart/calibration}}
evaluate: {{dataset: {recipes}/quickstart/heldout}}
tune: {{max_drop: 0.01}}   # one point
"""
PLANTED = {
    "stages.0.blocks.0.mlp", "stages.1.blocks.0.attention", "stages.1.blocks.0.mlp", "stages.2.blocks.0.mlp",
    "stages.0.blocks.0.layernorm_after", "stages.1.blocks.0.layernorm_before", "stages.1.blocks.0.layernorm_after",
    "stages.2.blocks.0.layernorm_after",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("evaluate: {dataset: ./labelled}", "tiny has no evaluate"),
        ("matrix: {quantization.method: [MSE, KL]}", "tiny has a matrix: it is 2 builds"),
        ("tune: {max_drop: 2}", "tune.max_drop"),
    ],
)
def test_what_cannot_be_tuned_is_told_before_anything_is_built(
    make_project: Callable[[], Project], text: str, says: str
) -> None:
    project = make_project()
    recipe = project.recipe.read_text()
    project.recipe.write_text(recipe.replace(text, "") if text in recipe else f"{recipe}{text}\n")
    done = project.command("tune", project.recipe, code=2)
    assert says in done.stderr and not done.stdout


@pytest.mark.slow
def test_a_recipe_that_is_good_enough_stays_and_one_that_cannot_be_met_is_told(
    make_project: Callable[[], Project],
) -> None:
    project = make_project()
    text = project.recipe.read_text()
    done = project.command("tune", project.recipe, "--set", "tune.max_drop=1", "--write")
    assert "the recipe needs no change" in done.stdout
    answer = json.loads(project.command("tune", project.recipe, "--set", "tune.max_drop=1", "--json").stdout)
    assert answer["met"] and answer["change"] == {} and answer["diff"] == ""
    assert answer["tuning"]["images"] == answer["heldout"]["images"] == 1
    # Labels that have nothing to do with the images: a goal that only chance could meet.
    goal = ["--set", "tune.max_drop=0", "--set", "tune.trials=1", "--set", "evaluate.seed=1"]
    missed = project.command("tune", project.recipe, *goal, "--write", code=None)
    assert missed.returncode in (0, 5)
    if missed.returncode == 5:
        assert "1 trials are done" in missed.stdout and "no change was found" in missed.stderr
    assert project.recipe.read_text() == text


@pytest.mark.slow
def test_the_search_weighs_what_is_lost_itself_but_keeps_to_strict(make_project: Callable[[], Project]) -> None:
    project = make_project()
    words = ["tune", project.recipe, "--set", "tune.max_drop=1", "--set", "evaluate.max_drop=0"]
    assert "the recipe needs no change" in project.command(*words).stdout
    asked = ["--set", "quantization.layers=[{op: Conv, dtype: FP32}]", "--set", "quantization.strict=true"]
    assert "have no effect" in project.command(*words, *asked, code=5).stderr


@pytest.mark.slow
def test_planted_outliers_are_found_and_made_good(make_project: Callable[[], Project]) -> None:
    project = make_project()
    recipes = shipped("recipes")
    hard = project.folder / "recipes" / "hard.yaml"
    hard.write_text(HARD.format(recipes=recipes))
    (project.folder / "recipes" / "model").rename(project.folder / "recipes" / "other")
    plant(recipes / "quickstart" / "model", project.folder / "recipes" / "model")

    project.command("run", hard)
    build = project.folder / "build" / "hard"
    metrics = json.loads((build / "manifest.json").read_text())["metrics"]
    assert metrics["miou_float"] == pytest.approx(0.829, abs=0.002)
    assert metrics["miou_quantized"] < metrics["miou_float"] - 0.1
    rows = json.loads((build / "steps/layers/layers.json").read_text())["tensors"][:5]
    assert all(any(module in row["module"] for module in PLANTED) for row in rows)

    # Without equalizing, which undoes this very kind of planting, operators or blocks need 16 bits.
    wide = ["--set", "equalize={layer_norm: false, linear: false, query_key: false}", "--json"]
    answer = json.loads(project.command("tune", hard, *wide).stdout)
    assert answer["met"] and answer["share_16bit"] <= 0.2
    assert "dtype: U16" in answer["diff"]
    assert answer["heldout"]["float_model"] - answer["heldout"]["after"] <= 0.01

    done = project.command("tune", hard, "--write")
    text = hard.read_text()
    assert "+equalize: {}" in done.stdout
    assert text.startswith(HARD.format(recipes=recipes).rstrip("\n"))
    again = json.loads(project.command("tune", hard, "--json").stdout)
    assert again["met"] and not again["change"] and again["share_16bit"] == 0
    assert again["heldout"]["float_model"] - again["heldout"]["after"] <= 0.01
