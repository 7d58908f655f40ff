"""What a network is for, in transformers' words, and which tensor of its answer a build is about.

    semantic-segmentation      logits [N, classes, h, w]
    image-classification       logits [N, classes]
    depth-estimation           depth [N, H, W]
    image-to-image             an image [N, C, sH, sW], s times as large as the input
    image-feature-extraction   ``patches`` [N, places, C], ``cls`` [N, C], ``tokens`` (both), or ``pooled`` [N, C]

A task is a row in ``facts/tasks.py``; the model's class follows from it and from the ``model_type`` in config.json.
"""

from __future__ import annotations

import inspect
from typing import Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import FEATURES, TASKS


def model_class(task: str, config: Any, features: str) -> tuple[Any, Any]:
    """The class for a model of ``config``, and the config that it takes: of two towers, the one for images.

    Raises:
        StepError: If such a model cannot do the task.
    """
    import transformers

    if task not in TASKS:
        raise StepError(f"{task} is not one of {', '.join(TASKS)}", field="model.task")
    auto_class = getattr(transformers, TASKS[task].auto_class)
    tower = getattr(config, "vision_config", None) if task == FEATURES else None
    if tower is not None and features == "pooled":
        name = f"{type(config).__name__.removesuffix('Config')}VisionModelWithProjection"
        if hasattr(transformers, name):
            return getattr(transformers, name), tower
    wanted = tower if tower is not None else config
    if not _does(wanted, task):
        able = [name for name in TASKS if _does(config, name)]
        raise StepError(
            f"a {config.model_type} model cannot do {task}",
            field="model.task",
            remedy=f"it can do {', '.join(able)}" if able else "it takes no images: choose a model.source that does",
        )
    return auto_class, wanted


def _does(config: Any, task: str) -> bool:
    """Whether transformers has a class for models of ``config`` that does ``task`` on images."""
    import transformers

    mapped = getattr(transformers, TASKS[task].auto_class)._model_mapping.get(type(config), None)
    one = mapped[0] if isinstance(mapped, tuple) else mapped
    return one is not None and "pixel_values" in inspect.signature(one.forward).parameters


def default_features(config: Any) -> str:
    """``pooled`` for the image tower of a model of images and text, else ``patches``."""
    return "pooled" if getattr(config, "vision_config", None) is not None else "patches"


def answer(output: Any, task: str, features: str, special: int) -> Any:
    """The tensor of a model's answer that is exported.

    Args:
        output: What the model gives.
        task: A key of ``TASKS``.
        features: ``patches``, ``cls``, ``tokens`` or ``pooled``.
        special: How many tokens come before those of the patches.

    Raises:
        StepError: If the model has no such features.
    """
    field = TASKS[task].output
    if field is not None:
        return getattr(output, field)
    if features == "pooled":
        pooled = getattr(output, "image_embeds", None)
        pooled = getattr(output, "pooler_output", None) if pooled is None else pooled
        if pooled is None:
            raise StepError(
                "this model has none that are pooled", field="model.features", remedy="say patches, cls or tokens"
            )
        return pooled
    tokens = output.last_hidden_state
    if features == "tokens":
        return tokens
    if tokens.ndim != 3:
        raise StepError(
            f"this model gives an image of features, of {tokens.ndim} axes, and no {features}",
            field="model.features",
            remedy="say tokens for all that it gives",
        )
    if features == "cls":
        if not special:
            raise StepError("this model has no class token", field="model.features", remedy="say patches or pooled")
        return tokens[:, 0]
    return tokens[:, special:]


def special_tokens(model: Any, config: Any) -> int:
    """How many tokens come before those of the patches: the class token, and registers."""
    names = {name.rpartition(".")[2] for name, _ in model.named_parameters()}
    has_class = bool(names & {"cls_token", "class_embedding"})
    return int(has_class) + int("distillation_token" in names) + int(getattr(config, "num_register_tokens", 0) or 0)
