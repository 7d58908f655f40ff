"""The parameters of the step bundle: what a bundle says of the recipe that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipebuild.engine.step import Step
from recipebuild.facts.tasks import DETECTION, RESTORATION
from recipebuild.plan.evaluate import detector_params
from recipebuild.plan.pulsar2 import compiled_input
from recipebuild.recipe.schema import Recipe


def bundle_params(recipe: Recipe, toolchain: Mapping[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
    """The parameters, the same on every machine.

    Args:
        recipe: The recipe.
        toolchain: What compiles: name, version, facts.
        steps: All steps before: their parameters are the recipe as far as it shows in the result, and their tools what
            else it depends on. Both go into the provenance; but the limits of judge do not show in the result.
    """
    restores = recipe.model.task == RESTORATION
    network = {"network": recipe.image.model_dump(mode="json")} if restores and recipe.image else {}
    feedback = {tensor.name: tensor.feedback for tensor in recipe.tensors if tensor.feedback}
    return {
        "recipe": recipe.name,
        "task": recipe.model.task,
        **({"detector": detector_params(recipe)} if recipe.model.task == DETECTION else {}),
        "head": recipe.head.model_dump(mode="json"),
        "input": compiled_input(recipe),
        **network,
        **({"feedback": feedback} if feedback else {}),
        **({"length": recipe.tokens.length} if recipe.tokens else {}),
        "runtime": recipe.target.runtime_input.model_dump(mode="json"),
        **({"permuted": recipe.target.permuted} if recipe.target.permuted else {}),
        "hardware": recipe.target.hardware,
        "npu_mode": recipe.target.npu_mode,
        "toolchain": dict(toolchain),
        "runner": recipe.board.runner,
        "source": _source(recipe),
        **recipe.bundle.model_dump(mode="json"),
        "steps": [[step.name, dict(step.params)] for step in steps if step.name != "judge"],
        "tools": sorted({tool for step in steps for tool in step.tools} | {"jinja2", "pydantic"}),
    }


def _source(recipe: Recipe) -> str:
    """Where the weights come from, in words."""
    model = recipe.model
    if model.weights == "random":
        return f"random, seed {model.seed}, in the architecture of {Path(model.source).name}"
    if model.is_local:
        return f"local file or folder {Path(model.source).name}"
    return f"huggingface.co/{model.source}, revision {model.revision or 'not pinned'}"
