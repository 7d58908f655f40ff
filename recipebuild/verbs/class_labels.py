"""Whether ``evaluate.labels`` names as many classes as the model has, where its files tell before anything is built."""

from __future__ import annotations

import json
from pathlib import Path

from recipebuild.errors import StepError
from recipebuild.recipe.problems import Place, Problem
from recipebuild.recipe.schema import Recipe
from recipebuild.session import Job
from recipebuild.toolkit.evaluate.class_names import check_names, declared_classes
from recipebuild.toolkit.models.families import config_for


def misnamed(job: Job) -> list[Problem]:
    """That there are more names than classes, or fewer."""
    problems: dict[str, Problem] = {}
    for variant in job.variants.values():
        recipe = variant.recipe
        if recipe.evaluate is None or recipe.evaluate.labels is None:
            continue
        classes = _classes(recipe)
        if classes is None:
            continue
        try:
            check_names(recipe.evaluate.labels, 2 if recipe.head.kind == "threshold" and classes == 1 else classes)
        except StepError as error:
            place = variant.place(error.field) or Place(recipe.name)
            problems[error.message] = Problem(error.field, error.text, place, error.remedy)
    return list(problems.values())


def _classes(recipe: Recipe) -> int | None:
    """How many classes the model has by ``detector``, its config.json or its graph; ``None`` if they do not tell."""
    if recipe.detector is not None:
        return recipe.detector.classes
    source = Path(recipe.model.source)
    if recipe.model.adapter and (Path(recipe.model.adapter) / "config.json").is_file():
        source = Path(recipe.model.adapter)
    elif not recipe.model.is_local:
        return declared_classes(config_for(recipe.model.source) or {})
    if recipe.model.is_onnx:
        return _classes_of_graph(source, recipe)
    try:
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the step fetch says what is wrong with it
        return None
    return declared_classes(config) if isinstance(config, dict) else None


def _classes_of_graph(source: Path, recipe: Recipe) -> int | None:
    """As many as the axis has over which the head takes an ArgMax."""
    if recipe.head.kind == "argmax" and recipe.head.axis not in (1, -3):
        return None
    from recipebuild.toolkit.evaluate.classes import class_count

    try:
        return class_count(source)
    except Exception:  # what onnx raises on a file that is none, which the step fetch tells
        return None
