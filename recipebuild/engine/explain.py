"""Why a step must be built: its ingredients beside those of the nearest earlier record, value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from recipebuild.engine.keys import Keys
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Record, Store
from recipebuild.errors import StepError


@dataclass(frozen=True)
class Change:
    """One ingredient that differs: where (``params.count``), what it was, what it is; ``None`` for not there."""

    where: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Preview:
    """What a run would do with a step.

    Attributes:
        step: The step.
        status: ``follows``: a step before it must be built first; if its output stays the same, this one is cached.
        key: Its key, unless it follows.
        why: With ``build``: what changed since ``earlier``; empty if there is no earlier record.
        earlier: The nearest earlier record: of this step of this recipe the one last used, else the most alike.
        after: With ``follows``: the ids of the steps that must be built first.
        error: Why its key cannot be made: an input cannot be read.
    """

    step: Step
    status: Literal["cached", "build", "follows"]
    key: str | None = None
    why: tuple[Change, ...] = ()
    earlier: Record | None = None
    after: tuple[str, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The preview as ``plan --json`` prints it."""
        return {
            "name": self.step.name,
            "variant": self.step.variant,
            "status": self.status,
            "key": self.key,
            "after": list(self.after),
            "why": [asdict(change) for change in self.why],
            "seconds_last_time": self.earlier.seconds if self.earlier else None,
            "error": self.error,
        }


def preview(steps: Sequence[Step], store: Store) -> list[Preview]:
    """What a run of the plan would do, found without doing it; the steps in the plan's order."""
    keys = Keys(store.stats)
    records: dict[str, Record] = {}
    previews = []
    recorded: list[Record] | None = None
    for step in steps:
        missing = {given.step for given in step.inputs.values() if isinstance(given, Output)} - records.keys()
        if missing:
            previews.append(Preview(step, "follows", after=tuple(sorted(missing))))
            continue
        try:
            ingredients = keys.ingredients(step, records)
        except StepError as error:
            previews.append(Preview(step, "build", error=error.message))
            continue
        key = keys.key(ingredients)
        if record := store.find(key):
            records[step.id] = record
            previews.append(Preview(step, "cached", key))
            continue
        recorded = store.records() if recorded is None else recorded
        before = _nearest(recorded, step, ingredients)
        why = tuple(changes(before.ingredients, ingredients)) if before else ()
        previews.append(Preview(step, "build", key, why, before))
    store.stats.flush()
    return previews


def changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[Change]:
    """Where two JSON objects differ, leaf by leaf; a list is one leaf."""
    found = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += changes(before, after, f"{prefix}{name}.")
        elif before != after:
            found.append(Change(prefix + name, before, after))
    return found


def _nearest(records: Sequence[Record], step: Step, ingredients: Mapping[str, Any]) -> Record | None:
    """Of the records, latest first, the one to compare with: the last of this very step, else the most alike."""
    alike = [record for record in records if record.ingredients["step"] == step.name]
    own = next((record for record in alike if record.label == step.id), None)
    return own or min(alike, key=lambda record: len(changes(record.ingredients, ingredients)), default=None)
