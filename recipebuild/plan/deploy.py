"""The steps deploy and judge-board, added to a plan on request: what was built, measured on a board, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from recipebuild.engine.step import Output, Source, Step
from recipebuild.errors import MissingError, RecipeError
from recipebuild.facts.tasks import DETECTION, RESTORATION
from recipebuild.plan.evaluate import dataset_params, detector_params
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.plan import Plan
from recipebuild.plan.pulsar2 import compiled_input
from recipebuild.recipe.load import Variant
from recipebuild.recipe.schema import Recipe
from recipebuild.toolkit.board.boards import Board

_LIMITS = {"min_agreement", "min_cosine"}
"""Of the section board, what judge-board holds the board to."""


def with_deploy(plan: Plan, variants: Sequence[Variant], name: str, board: Board, again: str | None) -> Plan:
    """The plan with the steps deploy and judge-board for each entry of its matrix.

    Args:
        plan: The recipe's plan.
        variants: The recipe's entries.
        name: The board's name.
        board: How it is reached.
        again: What makes the key another one, so that it is measured anew.

    Raises:
        MissingError: If an entry is not built for an NPU.
        RecipeError: If its model takes more than an image.
    """
    steps, members = list(plan.steps), {}
    for variant in variants:
        ids = plan.variants[variant.label]
        step = _deploy(variant, {s.name: s for s in plan.steps if s.id in ids}, name, board)
        if again:
            step = replace(step, facts={"again": again})
        judge = _judge(variant, step)
        steps += [step, judge]
        members[variant.label] = (*ids, step.id, judge.id)
    return Plan(plan.name, tuple(steps), members)


def _deploy(variant: Variant, steps: dict[str, Step], name: str, board: Board) -> Step:
    recipe, kind = variant.recipe, KINDS["deploy"]
    if steps["compile"].module != KINDS["compile/pulsar2"].module:
        raise MissingError(
            "nothing to run on a board: Pulsar2 is not installed, and the embedded toolchain builds for this machine",
            remedy="install Pulsar2, or load its docker image, and run again; recipebuild check shows what is found",
        )
    if recipe.tensors:
        raise RecipeError(
            "board run feeds images, but this model has other inputs",
            remedy="copy the bundle to the board, and run it there: run.py takes --input NAME=FILE.npy",
        )
    if "calibrate" not in steps:
        raise RecipeError(
            "board run feeds images of the calibration set, and this recipe has none", remedy="set calibration.source"
        )
    entry = f"[{variant.label}]" if variant.label else ""
    inputs: dict[str, Output | Source] = {
        "bundle": Output(steps["bundle"].id, "bundle"),
        "model": Output(steps["head"].id, "model.onnx"),
        "calibration": Output(steps["calibrate"].id, "calibration.tar"),
    }
    if recipe.evaluate is not None:
        inputs["dataset"] = steps["evaluate"].inputs["dataset"]
        if "export" in steps:
            inputs["weights"] = Output(steps["fetch"].id, "model")
        climbing = steps["rungs"].inputs if "rungs" in steps else {}  # not in a plan up to another step
        inputs |= {name: climbing[name] for name in ("reference_predictions", "predictions") if name in climbing}
    return Step(
        f"{recipe.name}{entry}/deploy", "deploy", kind.module, _params(variant, name, board), inputs,
        tools=kind.tools, resources=kind.resources, variant=variant.label,
    )  # fmt: skip


def _judge(variant: Variant, deploy: Step) -> Step:
    kind = KINDS["judge-board"]
    limits = variant.recipe.board.model_dump(mode="json", include=_LIMITS)
    measured = {"deploy": Output(deploy.id, "deploy.json")}
    name = f"{deploy.id.removesuffix('deploy')}judge-board"
    return Step(name, "judge-board", kind.module, limits, measured, variant=variant.label)


def _params(variant: Variant, name: str, board: Board) -> dict[str, Any]:
    recipe: Recipe = variant.recipe
    place = "".join(c if c.isalnum() or c in "_-." else "_" for c in variant.label)
    fields = {"count", "seed", "depth", "labels", "metric"}
    labelled = recipe.evaluate.model_dump(include=fields) if recipe.evaluate else {}
    spec = {"dataset": dataset_params(recipe)} if recipe.evaluate else {}
    restores = recipe.model.task == RESTORATION
    original = {"original": recipe.image.model_dump(mode="json")} if restores and recipe.image else {}
    return {
        "name": name,
        "board": board.model_dump(mode="json"),
        "place": f"models/{recipe.name}{f'.{place}' if place else ''}",
        "input": compiled_input(recipe),
        "runtime": recipe.target.runtime_input.model_dump(mode="json"),
        **recipe.board.model_dump(mode="json", exclude=_LIMITS),
        **labelled,
        **spec,
        **({"detector": detector_params(recipe)} if recipe.model.task == DETECTION else {}),
        **original,
    }
