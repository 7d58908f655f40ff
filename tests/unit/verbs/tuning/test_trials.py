"""Which steps trials have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recipebuild.machine import embedded_toolchain
from recipebuild.plan.plan import Plan
from recipebuild.recipe.load import load
from recipebuild.session import DEFAULTS, plan_recipe
from recipebuild.verbs.tuning.trials import _of_trials


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Of the quickstart as it is, and with two changes: one of the graph, one of what is made of it."""
    sets: tuple[list[str], ...] = ([], ["equalize={}"], ["quantization.method=MSE"])
    own = ["evaluate.max_drop=0.1", "evaluate.reference=pytorch", "evaluate.shares=2", "tune={}"]
    variants = [
        replace(load("quickstart", sets=[*own, *more], cwd=Path.cwd())[0], label=f"trial {number}")
        for number, more in enumerate(sets)
    ]
    return plan_recipe(variants, DEFAULTS, lambda *_: embedded_toolchain()).plan


def test_all_trials_are_held_against_the_float_model_of_the_recipe_as_it_is(plan: Plan) -> None:
    steps = _of_trials(plan, "tuning", "judge")
    names = [step.name for step in steps]
    assert (names.count("equalize"), names.count("compile"), names.count("evaluate")) == (1, 3, 3)
    exact = {step.inputs["float"] for step in steps if step.name == "evaluate"}
    assert len(exact) == 1
    floats = [step for step in steps if step.name == "answers-float"]
    assert len(floats) == 2 and len({step.inputs["model"] for step in floats}) == 1  # two shares of one model's
    assert len({step.inputs["quantized"] for step in steps if step.name == "evaluate"}) == 3


def test_nothing_of_pytorch_is_asked_again_and_nothing_limits_the_loss(plan: Plan) -> None:
    steps = _of_trials(plan, "heldout", "judge")
    assert not {step.name for step in steps} & {"verify", "answers-pytorch", "join-pytorch", "layers", "bundle"}
    ids = {step.id for step in steps}
    assert all(step.before <= ids for step in steps)
    for step in steps:
        if step.name == "judge":
            assert step.params["max_drop"] is None
        if step.name.startswith("answers-") or step.name == "evaluate":
            assert step.params["part"] == "heldout"
            assert "pytorch" not in step.inputs
    assert {step.name for step in _of_trials(plan, "tuning", "sensitivity")} >= {"compile", "sensitivity"}
