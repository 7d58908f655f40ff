"""What the classes of a model are called: the one place that all who print or paint classes ask.

Use: ``class_names(19, config=folder / "config.json")``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.toolkit.evaluate.palette import CITYSCAPES


def class_names(
    classes: int, *, labels: Sequence[str] | None = None, config: Path | None = None, cityscapes: bool = False
) -> list[str]:
    """The names of a model's classes, by class id.

    The recipe's names win, then the model's own. A dataset that is laid out as Cityscapes names the classes of a model
    that does not. What nobody names is ``class 0`` and so on.

    Args:
        classes: How many there are.
        labels: The recipe's ``evaluate.labels``.
        config: The model's config.json; there may be no such file.
        cityscapes: Whether the dataset is laid out as Cityscapes, whose class ids are trainIds.

    Raises:
        StepError: If ``labels`` are not as many as there are classes.
    """
    if labels is not None:
        check_names(labels, classes)
        return list(labels)
    known = own_names(json.loads(config.read_text(encoding="utf-8"))) if config is not None and config.is_file() else {}
    if classes == 2 and list(known) == [0]:  # of a network of one class, whose mask is 0 elsewhere
        known = {0: "background", 1: known[0]}
    if not known and cityscapes and classes == len(CITYSCAPES):
        return [label.name for label in CITYSCAPES]
    return [known.get(i, f"class {i}") for i in range(classes)]


def check_names(labels: Sequence[str], classes: int) -> None:
    """Find that a recipe names all classes.

    Raises:
        StepError: If ``labels`` are not as many as there are classes.
    """
    if len(labels) != classes:
        raise StepError(
            f"{len(labels)} names, but the model has {classes} classes",
            field="evaluate.labels",
            remedy="name all classes, in the order of their ids",
        )


def declared_classes(config: Mapping[str, Any]) -> int | None:
    """How many classes a config.json says that there are; ``None`` if it does not say."""
    named = config.get("id2label")
    count = len(named) if isinstance(named, Mapping) else config.get("num_labels")
    return count if isinstance(count, int) else None


def own_names(config: Mapping[str, Any]) -> dict[int, str]:
    """The names in a config.json, by class id; those that transformers fills in, ``LABEL_0`` and so on, are none."""
    named = config.get("id2label")
    if not isinstance(named, Mapping):
        return {}
    names = {int(i): " ".join(str(name).split()) for i, name in named.items() if i.isdecimal()}
    return {i: name for i, name in names.items() if name and name != f"LABEL_{i}"}
