"""What a network is for, in transformers' words, and which tensor of its answer a build is about.

    semantic-segmentation      logits [N, classes, h, w]
    image-classification       logits [N, classes]
    depth-estimation           depth [N, H, W]
    object-detection           logits [N, places, classes] and boxes [N, places, 4]
    image-to-image             an image [N, C, sH, sW], s times as large as the input
    image-feature-extraction   ``patches`` [N, places, C], ``cls`` [N, C], ``tokens`` (both), or ``pooled`` [N, C]
    feature-extraction         of text: ``cls``, ``mean`` or ``pooled``, [N, C]

A task is a row in ``facts/tasks.py``; the model's class follows from it and from the ``model_type`` in config.json.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, FEATURES, SEGMENTATION, TASKS

_BY_BOXES = ("detr",)
"""Models that transformers has for segmentation, but which mask one object a box, and give no scores of classes."""


def model_class(task: str, config: Any, features: str) -> tuple[Any, Any]:
    """The class for a model of ``config``, and the config that it takes: of two towers, the one for images.

    Raises:
        StepError: If such a model cannot do the task.
    """
    import transformers

    if task not in TASKS:
        raise StepError(f"{task} is not one of {', '.join(TASKS)}", field="model.task")
    tower = getattr(config, "vision_config", None) if task == FEATURES else None
    if tower is not None and features == "pooled":
        name = f"{type(config).__name__.removesuffix('Config')}VisionModelWithProjection"
        if hasattr(transformers, name):
            return getattr(transformers, name), tower
    wanted = tower if tower is not None else config
    known = dict(_classes(wanted, task))
    auto_class = next((auto for auto, model in known.items() if not _needed(model)), None)
    if auto_class is not None:
        return auto_class, wanted
    able = [name for name in TASKS if any(not _needed(model) for _, model in _classes(config, name))]
    more = next((_needed(model) for model in known.values()), [])
    raise StepError(
        f"a {config.model_type} model needs more than an image: {', '.join(more)}"
        if more
        else f"a {config.model_type} model cannot do {task}",
        field="model.task",
        remedy=f"it can do {', '.join(able)}"
        if able
        else "export it to ONNX, and describe all that it takes in inputs: docs/how-to/inputs.md"
        if more
        else "it takes no images: choose a model.source that does",
    )


def _classes(config: Any, task: str) -> Iterator[tuple[Any, Any]]:
    """What transformers' Auto classes have that does ``task`` on images for ``config``: Auto class and model."""
    import transformers

    for name in (TASKS[task].auto_class, TASKS[task].other_class):
        if name is None or (name == TASKS[task].other_class and config.model_type in _BY_BOXES):
            continue
        auto_class = getattr(transformers, name)
        mapped = auto_class._model_mapping.get(type(config), None)
        model = mapped[0] if isinstance(mapped, tuple) else mapped
        if model is not None and "pixel_values" in inspect.signature(model.forward).parameters:
            yield auto_class, model


def _needed(model: Any) -> list[str]:
    """What a model must be given beside the image."""
    parameters = inspect.signature(model.forward).parameters.values()
    needed = [
        each.name for each in parameters if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    return [name for name in needed if name not in ("self", "pixel_values")]


def default_features(config: Any) -> str:
    """``pooled`` for the image tower of a model of images and text, else ``patches``."""
    return "pooled" if getattr(config, "vision_config", None) is not None else "patches"


def answer(output: Any, task: str, features: str, special: tuple[int, int]) -> Any:
    """The tensor of a model's answer that is exported, or a tuple of them.

    Args:
        output: What the model gives.
        task: A key of ``TASKS``.
        features: ``patches``, ``cls``, ``tokens`` or ``pooled``.
        special: How many tokens come before those of the patches, and how many behind them.

    Raises:
        StepError: If the model has no such features.
    """
    field = TASKS[task].output
    if field is not None:
        first, more = _field(output, task, field), TASKS[task].more_outputs
        return (first, *(getattr(output, name) for name in more)) if more else first
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
            remedy="use tokens for its whole output",
        )
    if features == "cls":
        if not special[0]:
            raise StepError("this model has no class token", field="model.features", remedy="say patches or pooled")
        return tokens[:, 0]
    before, behind = special
    return tokens[:, before : tokens.shape[1] - behind] if behind else tokens[:, before:]


def _field(output: Any, task: str, field: str) -> Any:
    """A field of the answer, under whatever name the model has it."""
    if task == SEGMENTATION and hasattr(output, "masks_queries_logits"):
        return _scores(output.class_queries_logits, output.masks_queries_logits)
    if task == CLASSIFICATION and not hasattr(output, field):  # PP-LCNet
        field = "last_hidden_state"
    if not hasattr(output, field):
        raise StepError(
            f"this model gives {', '.join(output.keys())}, and no {field}",
            field="model.task",
            remedy=f"choose a model.source that does {task} as most do",
        )
    return getattr(output, field)


def _scores(classes: Any, masks: Any) -> Any:
    """Scores of classes [N, classes, h, w] of queries' classes [N, queries, classes + 1] and masks [N, queries, h, w].

    sum_q softmax(classes)_qc sigmoid(masks)_q, without the last class, "no object": B. Cheng et al., "Per-Pixel
    Classification is Not All You Need for Semantic Segmentation", NeurIPS 2021, section 3.4.
    """
    weights = classes.softmax(-1)[..., :-1].transpose(1, 2)
    return (weights @ masks.sigmoid().flatten(2)).unflatten(2, masks.shape[2:])


def special_tokens(model: Any, config: Any) -> tuple[int, int]:
    """How many tokens come before those of the patches: class tokens and registers; and behind: those of objects."""
    if config.model_type == "dinov3_convnext":  # the mean of all places, at the place of a class token
        return 1, 0
    sizes: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        where, _, last = name.rpartition(".")
        if where.rpartition(".")[2] != "head":  # a class token that pools what comes out is not among it
            sizes[last] = parameter.shape[1] if parameter.ndim == 3 else 1
    tokens = sizes.get("cls_token", 0) or sizes.get("class_embedding", 0)
    registers = int(getattr(config, "num_register_tokens", 0) or 0)
    return tokens + sizes.get("distillation_token", 0) + registers, sizes.get("detection_tokens", 0)
