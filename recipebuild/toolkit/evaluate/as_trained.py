"""What a model's own files say of labels, for datasets that do not: which of them count, and which class is which.

    spec, notes = as_trained(spec, dataset, model_folder)

    do_reduce_labels, reduce_labels   preprocessor_config.json    label 0 is `other`, and classes count from 1
    semantic_loss_ignore_index        config.json                 the label that training ignored, usually 255
    id2label                          config.json                 what class folders are called

What the recipe says wins; where the two differ, a note says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DETECTION, SEGMENTATION
from recipebuild.toolkit.evaluate.class_folders import class_order
from recipebuild.toolkit.evaluate.class_names import declared_classes, own_names
from recipebuild.toolkit.evaluate.layouts import DatasetSpec, class_folders, layout_name
from recipebuild.toolkit.evaluate.trainids import IGNORE

_REDUCED = "0 is ignored and classes count from 1"


def as_trained(
    spec: DatasetSpec, dataset: Path, model: Path | None, labels: Sequence[str] | None = None
) -> tuple[DatasetSpec, list[str]]:
    """How a dataset is to be read for a model.

    Args:
        spec: What the recipe says.
        dataset: The folder.
        model: The model's folder in Hugging Face layout; ``None`` of an ONNX file.
        labels: The recipe's ``evaluate.labels``, by class id.

    Returns:
        The same with what the model's files add, and notes for the user.

    Raises:
        StepError: If which class a folder is of cannot be told, or not as the recipe says.
    """
    layout = layout_name(dataset, spec)
    if spec.task == SEGMENTATION and model is not None and layout in ("folders", "ade20k"):
        return _segmentation(spec, model, usual=layout == "ade20k")
    if spec.task == CLASSIFICATION and layout == "classes":
        return _classification(spec, dataset, labels or _names(model))
    if spec.task == DETECTION:
        return spec.model_copy(update={"names": tuple(labels or _names(model))}), []
    return spec, []


def _segmentation(spec: DatasetSpec, model: Path, *, usual: bool) -> tuple[DatasetSpec, list[str]]:
    settings = _json(model / "preprocessor_config.json") or _json(model / "processor_config.json").get(
        "image_processor", {}
    )
    setting = settings.get("do_reduce_labels", settings.get("reduce_labels"))
    notes = []
    reads = usual if spec.reduce_labels is None else spec.reduce_labels
    if setting is True and spec.reduce_labels is None and not usual:
        spec = spec.model_copy(update={"reduce_labels": True})
        notes.append(
            f"RB610 labels are read as preprocessor_config.json says (do_reduce_labels): {_REDUCED}; if the files have "
            "the model's class ids already, say evaluate.reduce_labels: false"
        )
    elif isinstance(setting, bool) and setting != reads:
        notes.append(
            f"RB610 preprocessor_config.json says do_reduce_labels: {str(setting).lower()}, and labels are read "
            f"{f'so that {_REDUCED}' if reads else 'as class ids'}: see evaluate.reduce_labels"
        )
    ignore = _json(model / "config.json").get("semantic_loss_ignore_index", IGNORE)
    if isinstance(ignore, int) and 0 <= ignore < IGNORE:
        spec = spec.model_copy(update={"ignore": ignore})
        notes.append(f"RB610 label {ignore} is ignored: semantic_loss_ignore_index in config.json")
    return spec, notes


def _classification(spec: DatasetSpec, dataset: Path, names: Sequence[str]) -> tuple[DatasetSpec, list[str]]:
    folders = class_folders(dataset, spec)
    order = class_order(folders, names, spec.class_folders)
    if order.doubt and (spec.class_folders or order.rule == "ids"):
        raise StepError(
            f"the class of each folder is ambiguous: {order.doubt}",
            field="evaluate.class_folders",
            remedy="say class_folders: ids, if the folders are called by class ids; sorted, if the model was trained "
            "with them in sorted order; or names, if they are called like the model's classes",
        )
    notes = []
    if order.rule == "names" and order.ids != {folder: at for at, folder in enumerate(folders)}:
        notes.append("RB611 class folders are mapped by the names of the model's classes")
    elif order.doubt or (order.rule == "sorted" and folders[0].isdecimal()):
        first = ", ".join(f"{folder} is class {order.ids[folder]}" for folder in folders[:3])
        why = f": {order.doubt}" if order.doubt else ", as ImageFolder has them"
        notes.append(f"RB611 class folders are taken in sorted order ({first}){why}; see evaluate.class_folders")
    return spec.model_copy(update={"names": tuple(names)}), notes


def _names(model: Path | None) -> list[str]:
    """What the classes are called, by class id; as many as there are, or none if that is not known."""
    config = _json(model / "config.json") if model is not None else {}
    known = own_names(config)
    return [known.get(i, "") for i in range(declared_classes(config) or 0)]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # that it cannot be read is told where the model is loaded
        return {}
    return value if isinstance(value, dict) else {}
