"""Moving results between the local store and a remote one by hand: ``cache push`` and ``cache pull``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from recipebuild.engine.explain import preview
from recipebuild.engine.keys import Keys
from recipebuild.engine.record import Record
from recipebuild.engine.remote import Remote
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.errors import CheckError


@dataclass
class Moved:
    """What was moved.

    Attributes:
        records: How many records are now where they were not before.
        present: How many were there already.
        missing: Labels or keys of what is on neither side, or follows from what is not.
        damaged: What the remote has, but damaged.
    """

    records: int = 0
    present: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return dict(vars(self))


def push(store: Store, remote: Remote, steps: Sequence[Step] | None = None) -> Moved:
    """Write what the local store has to the remote one: the results of ``steps``, or all that there is.

    Raises:
        MissingError: If the remote cannot be written.
        RecipeError: If there is no such protocol.
    """
    remote.check()
    moved = Moved()
    if steps is None:
        records: Iterable[tuple[Record, Sequence[str]]] = ((r, ()) for r in store.records() if store.find(r.key))
    else:
        previews = preview(steps, store)
        records = [(e.earlier, e.step.goes_on) for e in previews if e.status == "cached" and e.earlier]
        moved.missing = [entry.step.id for entry in previews if entry.status != "cached"]
    for record, goes_on in records:
        if remote.push(record, store, goes_on=goes_on):
            moved.records += 1
        else:
            moved.present += 1
    return moved


def pull(store: Store, remote: Remote, steps: Sequence[Step] | None = None) -> Moved:
    """Bring what the remote store has into the local one: the results of ``steps``, or all that there is.

    Raises:
        MissingError: If the remote cannot be read.
        RecipeError: If there is no such protocol, or the local store cannot be written.
        StepError: If an input of a step cannot be read, or the disk is full.
    """
    remote.check()
    moved = Moved()
    if steps is None:
        for key in remote.all_keys():
            _pull(key, key, store, remote, moved)
        return moved
    keys = Keys(store.stats)
    records: dict[str, Record] = {}
    for step in steps:
        if step.before <= records.keys():
            key = keys.key(keys.ingredients(step, records))
            if record := _pull(key, step.id, store, remote, moved):
                records[step.id] = record
        else:
            moved.missing.append(step.id)
    store.stats.flush()
    return moved


def _pull(key: str, name: str, store: Store, remote: Remote, moved: Moved) -> Record | None:
    if record := store.find(key):
        moved.present += 1
        return record
    try:
        record = remote.fetch(key, store)
    except CheckError:
        moved.damaged.append(name)
        return None
    if record:
        moved.records += 1
    else:
        moved.missing.append(name)
    return record
