"""The architectures of known model families, as data: what ``--weights random`` builds without a download.

    config_for("nvidia/segformer-b0-finetuned-cityscapes-640-1280")   # a dict with the content of a config.json

A family is an entry in families.yaml; adding one needs no code.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml


def config_for(hub_id: str) -> dict[str, Any] | None:
    """The ``config.json`` of the model named ``hub_id``, or ``None`` if it is of no known family.

    The result holds what the architecture needs: sizes, ``architectures`` and the labels (``id2label`` and ``label2id``
    where their names are known, ``num_labels`` otherwise). It is not byte for byte the hub's file.
    """
    table = _table()
    for family in table["families"].values():
        for hub in family["hubs"]:
            match = re.fullmatch(hub["id"], hub_id)
            if match is None:
                continue
            labels = table["labels"][match.groupdict().get("labels") or hub["labels"]]
            return {
                **family["config"],
                **family["sizes"][match["size"]],
                **_label_fields(labels),
                "architectures": [hub["architecture"]],
            }
    return None


def known_ids() -> tuple[str, ...]:
    """The hub ids that ``config_for`` knows, one pattern for people per kind."""
    return tuple(hub["shown"] for family in _table()["families"].values() for hub in family["hubs"])


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
