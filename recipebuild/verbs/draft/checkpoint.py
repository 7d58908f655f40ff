"""A model in Hugging Face layout -> the fields of its recipe, from its config.json, preprocessor_config.json, name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.facts.tasks import FEATURES, SEGMENTATION, TASKS, TEXT
from recipebuild.toolkit.evaluate.class_names import declared_classes
from recipebuild.verbs.draft import preprocessor, text
from recipebuild.verbs.draft.facts import Fact, Facts, usual_colours

_IMAGES = ("image_size", "patch_size", "patch_sizes", "num_channels", "vision_config", "backbone_config")
"""What only the config.json of a model for images has, one of these."""

Json = Mapping[str, Any]


def facts(config: Json, settings: Json | None, name: str, *, known: bool, task: str | None = None) -> dict[str, Fact]:
    """What a model's files say.

    Args:
        config: The content of its config.json.
        settings: That of its preprocessor_config.json; ``None`` if it has none.
        name: Of the model: the last part of its hub id, or its folder's name.
        known: Whether the model's family is one of ours for images.
        task: What it is for, if that was said.

    Raises:
        RecipeError: If there can be no recipe for such a model, or its task is not known.
    """
    fields: dict[str, Fact] = {"model.task": Fact(task, "as given") if task else _task(config, settings, known)}
    kind = fields["model.task"].value
    if kind == TEXT:
        return dict(text.facts(config, fields["model.task"].why))
    if kind == FEATURES:
        tower = isinstance(config.get("vision_config"), Mapping)
        why = "the image tower of a model of images and text" if tower else f"a {config['model_type']} model's tokens"
        fields["model.features"] = Fact("pooled" if tower else "patches", why)
    _check_channels(config)
    fields["input.shape"] = _shape(config, settings or {}, name, kind)
    fields |= usual_colours(kind, "not in the model's files")
    fields |= preprocessor.colours(settings) if settings is not None else {}
    pooled = "model.features" in fields and fields["model.features"].value == "pooled"
    output = TASKS[kind].tensor or ("embedding" if pooled else "features")
    fields["export.output"] = Fact(output, "the output's name in the board's program")
    fields |= head(kind, declared_classes(config))
    return fields


def head(task: str, classes: int | None = None) -> Facts:
    """What is put at the end of the network: for segmentation an ArgMax, of one class a threshold, else nothing."""
    of = f", {classes} classes" if classes else ""
    if task != SEGMENTATION:
        return {"head.kind": Fact("none", f"{task}: the network's own output{of}")}
    if classes == 1:
        return {"head.kind": Fact("threshold", "one class: 1 where sigmoid(logit) > head.threshold, which is 0.5")}
    return {"head.kind": Fact("argmax", f"class ids instead of logits{of}")}


def _task(config: Json, settings: Json | None, known: bool) -> Fact:
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    if settings is None and not known and not any(key in config for key in _IMAGES) and text.is_text(config, name):
        return Fact(TEXT, f"{name} in config.json")
    for task in TASKS.values():
        if not name.endswith(task.architectures):
            continue
        if not known and settings is None and not any(key in config for key in _IMAGES):
            break
        return Fact(task.name, f"{name} in config.json")
    architecture = f"its config.json names {name}" if name else "its config.json names no architecture"
    raise RecipeError(
        f"the task of the model is unknown: {architecture}",
        remedy=f"recipes are for {', '.join(sorted(name for name, task in TASKS.items() if task.auto_class))};\n"
        "if it can do one of these, say which: --set model.task=TASK",
    )


def _check_channels(config: Json) -> None:
    tower = config.get("vision_config")
    channels = (tower if isinstance(tower, Mapping) else config).get("num_channels", 3)
    if channels != 3:
        raise RecipeError(
            f"the model takes images of {channels} channels (num_channels in config.json)",
            remedy="recipes support colour images with 3 channels",
        )


def _shape(config: Json, settings: Json, name: str, task: str) -> Fact:
    named = re.search(r"-(\d{2,4})-(\d{2,4})$", name) if task == SEGMENTATION else None
    divisor = preprocessor.divisor(settings)
    if named:
        return _sized([int(named[1]), int(named[2])], "height and width are in the model's name")
    if size := preprocessor.size(settings):
        return _sized([_multiple(side, divisor) for side in size.value], size.why)
    for field in ("", "vision_config", "backbone_config"):
        part = config.get(field) if field else config
        if isinstance(part, Mapping) and (sides := preprocessor.pair(part.get("image_size"))):
            return _sized(list(sides), f"{field}.image_size in config.json".lstrip("."))
    usual = [_multiple(side, divisor) for side in TASKS[task].size or (224, 224)]
    return Fact([1, 3, *usual], "not in the model's files: a usual size", sure=False)


def _sized(pair: list[int], why: str) -> Fact:
    return Fact([1, 3, *pair], why)


def _multiple(side: int, divisor: int) -> int:
    return max(1, round(side / divisor)) * divisor
