"""Steps as nodes of a graph, made of a manifest's entries or of what ``plan --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepNode:
    """A step.

    Attributes:
        id: Unique.
        name: The step's plain name.
        variant: The entry of the matrix that it belongs to; empty if to all.
        status: ``built``, ``cached``, ``failed``, ``skipped``; of a plan ``cached``, ``fetch``, ``build``, ``follows``.
        seconds: How long it took, when it was built; ``None`` if that is not known.
        needs: The ids of the steps before it, without those that another one of them needs anyway.
    """

    id: str
    name: str
    variant: str
    status: str
    seconds: float | None
    needs: tuple[str, ...]


def nodes(entries: Sequence[Mapping[str, Any]]) -> list[StepNode]:
    """The nodes of a manifest's or a plan's steps, each after those that it needs.

    Args:
        entries: With ``id``, ``name``, ``variant``, ``status``, ``needs``, and ``seconds`` or ``seconds_last_time``.
    """
    before: dict[str, set[str]] = {}
    nodes = []
    for entry in entries:
        needs = [id_ for id_ in entry.get("needs", ()) if id_ in before]
        before[entry["id"]] = {*needs, *(far for id_ in needs for far in before[id_])}
        direct = tuple(id_ for id_ in needs if not any(id_ in before[other] for other in needs))
        seconds = entry.get("seconds", entry.get("seconds_last_time"))
        nodes.append(StepNode(entry["id"], entry["name"], entry["variant"], entry["status"], seconds, direct))
    return nodes
