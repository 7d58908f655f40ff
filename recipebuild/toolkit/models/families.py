"""The architectures of known model families, as data: what ``--weights random`` builds without a download.

    config_for("nvidia/segformer-b0-finetuned-cityscapes-640-1280")   # a dict with the content of a config.json

A family is an entry in families.yaml; adding one needs no code. Other packages add theirs: see ``extensions.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from recipebuild.toolkit.models.extensions import families as extensions


def config_for(hub_id: str) -> dict[str, Any] | None:
    """The ``config.json`` of the model named ``hub_id``, or ``None`` if it is of no known family.

    The result holds what the architecture needs: sizes, ``architectures`` and the labels (``id2label`` and ``label2id``
    where their names are known, ``num_labels`` otherwise). It is not byte for byte the hub's file.
    """
    for _, family, labels in _families():
        for hub in family["hubs"]:
            match = re.fullmatch(hub["id"], hub_id)
            if match is None:
                continue
            named = match.groupdict().get("labels") or hub.get("labels")
            size = family["sizes"][match["size"]] if "size" in match.groupdict() else {}
            config = _merged(_merged(family["config"], size), hub.get("config", {}))
            return {
                **config,
                **(_label_fields(labels[named]) if named else {}),
                "architectures": [hub["architecture"]],
            }
    return None


def known_ids() -> tuple[str, ...]:
    """The hub ids that ``config_for`` knows, one pattern for people per kind."""
    return tuple(hub["shown"] for _, family, _ in _families() for hub in family["hubs"])


def base_of(model_type: str) -> str | None:
    """The shipped recipe, ``base/segformer``, that models of this ``model_type`` share; ``None`` if there is none."""
    base = next((family.get("base") for name, family, _ in _families() if name == model_type), None)
    return f"base/{base}" if base else None


def family_table() -> list[dict[str, str]]:
    """A row for each kind of hub id: ``family``, ``task`` and ``ids``, a pattern for people."""
    return [
        {"family": name, "task": hub.get("task", family.get("task", "")), "ids": hub["shown"]}
        for name, family, _ in _families()
        for hub in family["hubs"]
    ]


def _families() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name, entry and labels of our own families, then of those that installed packages add."""
    table = _table()
    for name, family in table["families"].items():
        yield name, family, table["labels"]
    for added in extensions():
        if added.architectures:
            yield added.name, added.architectures, {**table["labels"], **added.labels}


def _merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``more`` over it, sections of both merged."""
    result = dict(base)
    for key, value in more.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def _label_fields(labels: dict[str, Any]) -> dict[str, Any]:
    if "names" not in labels:
        return {"num_labels": labels["count"]}
    names = labels["names"]
    return {
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
    }


@cache
def _table() -> dict[str, Any]:
    text = Path(__file__).with_name("families.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table
