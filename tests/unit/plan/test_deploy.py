from __future__ import annotations

import importlib
from pathlib import Path

from recipebuild.engine.step import Output, Step
from recipebuild.plan.deploy import with_deploy
from recipebuild.plan.origin import recipe_field
from recipebuild.plan.plan import plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.recipe.load import load
from recipebuild.resources import shipped, template_sources
from recipebuild.toolkit.board.boards import Board

PULSAR2 = ResolvedToolchain("pulsar2", "7.0", {"runner": "native", "image": None}, {"pulsar2": "7.0"})


def deployed(*sets: str) -> tuple[Step, ...]:
    variants = load("quickstart", sets=sets, cwd=Path.cwd())
    planned = plan(variants, [PULSAR2] * len(variants), template_sources([shipped("templates")]))
    return with_deploy(planned, variants, "desk", Board(host="h"), None).steps


def test_another_limit_of_the_board_changes_judge_board_and_nothing_else() -> None:
    limits = ["board.min_agreement=0.5", "board.min_cosine=0.5"]
    changed = [a.name for a, b in zip(deployed(), deployed(*limits), strict=True) if a != b]
    assert changed == ["judge-board"]


def test_judge_board_reads_what_deploy_measured() -> None:
    *_, deploy, judge = deployed("board.min_agreement=0.5")
    assert (deploy.id, judge.id) == ("quickstart/deploy", "quickstart/judge-board")
    assert judge.inputs == {"deploy": Output(deploy.id, "deploy.json")}
    assert judge.params == {"min_agreement": 0.5, "min_cosine": 0.98}
    assert recipe_field(judge.name, "params.min_agreement") == "board.min_agreement"
    for step in (deploy, judge):
        importlib.import_module(step.module).Params.model_validate(dict(step.params))


def test_each_entry_of_a_matrix_is_deployed_and_judged() -> None:
    steps = deployed("matrix={target.npu_mode: [NPU1, NPU3]}")
    judged = [step for step in steps if step.name == "judge-board"]
    assert [step.variant for step in judged] == ["npu_mode=NPU1", "npu_mode=NPU3"]
    assert len({step.id for step in steps}) == len(steps)
