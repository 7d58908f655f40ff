"""A recipe and the program on the board that its model is for."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from recipebuild.facts.runners import runners
from recipebuild.plan.pulsar2 import compiled_input
from recipebuild.recipe.board import Board
from recipebuild.recipe.load import load
from recipebuild.recipe.model import Model
from recipebuild.recipe.problems import RecipeProblems

QUICKSTART = "quickstart"


def problems(*sets: str) -> dict[str, str]:
    with pytest.raises(RecipeProblems) as caught:
        load(QUICKSTART, sets=sets, cwd=Path.cwd())
    return {problem.field: f"{problem.message} -> {problem.remedy}" for problem in caught.value.problems}


def test_recipes_may_name_every_known_runner() -> None:
    annotation = Board.model_fields["runner"].annotation
    named = {name for part in get_args(annotation) for name in get_args(part)}
    assert named == set(runners())


def test_a_runner_brings_the_head_that_it_reads() -> None:
    (plain,) = load(QUICKSTART, sets=[], cwd=Path.cwd())
    assert plain.recipe.head.kind == "argmax" and not plain.recipe.head.keep_logits
    (fitted,) = load(QUICKSTART, sets=["board.runner=ax_segformer"], cwd=Path.cwd())
    assert fitted.recipe.head.kind == "argmax" and fitted.recipe.head.keep_logits


@pytest.mark.parametrize(
    ("sets", "field", "words"),
    [
        (["head.keep_logits=false"], "head.keep_logits", "keep_logits: true"),
        (["head={kind: none}"], "head.kind", "head: {kind: argmax, keep_logits: true}"),
        (["head.axis=2"], "head.axis", "axis: 1"),
        (["input.shape=[2, 3, 256, 512]"], "input.shape", "shape: [1, 3, 256, 512]"),
        (["target.runtime_input.format=RGB"], "target.runtime_input.format", "feeds BGR, not RGB"),
        (["target.runtime_input.dtype=FP32"], "target.runtime_input", "feeds U8 in NHWC"),
    ],
)
def test_a_recipe_that_contradicts_its_runner_is_told_the_fix(sets: list[str], field: str, words: str) -> None:
    messages = problems("board.runner=ax_segformer", *sets)
    assert words in messages[field]
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("recipe", "runner"),
    [
        ("dinov2-small-518x518", "ax_dinov2"),
        ("depth-anything-v2-small", "ax_depth_anything"),
        ("glpn-nyu", "ax_glpdepth"),
        ("b0-cityscapes", "ax_segformer"),
    ],
)
def test_shipped_recipes_fit_the_runner_of_their_task(recipe: str, runner: str) -> None:
    size = ",".join(map(str, runners()[runner].size))
    sets = [f"board.runner={runner}", f"input.shape=[1,3,{size}]"]
    (fitted,) = load(recipe, sets=sets, cwd=Path.cwd())
    assert fitted.recipe.model.task == runners()[runner].task
    assert fitted.recipe.target.runtime_input.format == runners()[runner].color
    head = fitted.recipe.head
    assert (head.kind == "none" and head.add_axis == 1) == ("depth" in runners()[runner].outputs)


def test_ax_dinov2_reads_patches_at_its_own_size() -> None:
    with pytest.raises(RecipeProblems) as caught:
        load("dinov2-small-224x224", sets=["board.runner=ax_dinov2", "model.features=cls"], cwd=Path.cwd())
    messages = {problem.field: problem.message for problem in caught.value.problems}
    assert "tokens of patches, not cls" in messages["model.features"]
    assert "feeds 518x518 only" in messages["input.shape"]


def test_tasks_of_runners_are_those_of_recipes() -> None:
    tasks = get_args(Model.model_fields["task"].annotation)
    assert {runner.task for runner in runners().values()} <= set(tasks)


def test_all_contradictions_are_told_at_once() -> None:
    messages = problems(
        "board.runner=ax_segformer", "head.keep_logits=false", "head.axis=0", "target.runtime_input.format=RGB"
    )
    assert set(messages) == {"head.keep_logits", "head.axis", "target.runtime_input.format"}


def test_a_runner_for_another_task_is_refused() -> None:
    assert "image-feature-extraction" in problems("board.runner=ax_dinov2")["board.runner"]


def test_the_command_names_a_size_that_is_not_the_programs_own() -> None:
    segformer = runners()["ax_segformer"]
    assert segformer.command("m.axmodel", 640, 1280) == "ax_segformer -m m.axmodel -i image.jpg -r 10"
    assert " -g 512,1024 " in segformer.command("m.axmodel", 512, 1024)


def test_the_model_is_compiled_for_what_the_runner_feeds() -> None:
    (plain,) = load(QUICKSTART, sets=[], cwd=Path.cwd())
    assert compiled_input(plain.recipe) == plain.recipe.input.model_dump(mode="json")
    (fitted,) = load(QUICKSTART, sets=["board.runner=ax_segformer"], cwd=Path.cwd())
    fed = compiled_input(fitted.recipe)
    assert fed is not None
    assert fitted.recipe.input.color == "RGB" and fed["color"] == "BGR"
    assert fed["mean"] == [103.53, 116.28, 123.675] and fed["std"] == [57.375, 57.12, 58.395]
