"""Why a step must be built: its ingredients beside those of the nearest earlier record, value by value.

``preview`` tells of every step of a plan what a run would do; ``origin`` tells of a step that is cached why it was
built when it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from recipebuild.engine.keys import Keys
from recipebuild.engine.record import Record
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Store
from recipebuild.errors import StepError


@dataclass(frozen=True)
class IngredientChange:
    """One ingredient that differs: where (``params.count``), what it was, what it is; ``None`` for not there."""

    where: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Preview:
    """What a run would do with a step.

    Attributes:
        step: The step.
        status: ``fetch``: a remote store has its result. ``follows``: a step before it must be built first; if its
            output stays the same, this one is cached.
        key: Its key, unless it follows.
        why: If it would be built: what is known to have changed since ``earlier``; empty if there is none.
        earlier: With ``cached`` and ``fetch`` its record. Else that of the last build of this recipe, if it has one: of
            another recipe's, almost everything differs.
        after: With ``follows``: the ids of the steps that must be built first.
        then: The ids of the steps that follow from it, near and far: what would be looked at again after it.
        error: Why its key cannot be made: an input cannot be read.
    """

    step: Step
    status: Literal["cached", "fetch", "build", "follows"]
    key: str | None = None
    why: tuple[IngredientChange, ...] = ()
    earlier: Record | None = None
    after: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The preview as ``plan --json`` prints it."""
        return {
            "name": self.step.name,
            "variant": self.step.variant,
            "id": self.step.id,
            "status": self.status,
            "key": self.key,
            "after": list(self.after),
            "needs": sorted(self.step.before),
            "why": [asdict(change) for change in self.why],
            "then": list(self.then),
            "seconds_last_time": self.earlier.seconds if self.earlier else None,
            "built_last_time": self.earlier.finished if self.earlier else None,
            "error": self.error,
        }


def preview(
    steps: Sequence[Step],
    store: Store,
    elsewhere: Callable[[str], Record | None] = lambda key: None,
    last: Mapping[str, str] = MappingProxyType({}),
) -> list[Preview]:
    """What a run of the plan would do, found without doing it; the steps in the plan's order.

    Args:
        steps: The plan.
        store: Where results are looked up first.
        elsewhere: Gives the record that a remote store has under a key.
        last: The keys of the recipe's last build, by the step's id: recipes that share a step share its record, which
            has the name of the first.
    """
    keys = Keys(store.stats)
    followers = _followers(steps)
    records: dict[str, Record] = {}
    history: list[Record] | None = None
    previews = []
    for step in steps:
        then = followers[step.id]
        missing = {input_.step for input_ in step.inputs.values() if isinstance(input_, Output)} - records.keys()
        known = {n: g for n, g in step.inputs.items() if not (isinstance(g, Output) and g.step in missing)}
        try:
            ingredients = keys.ingredients(replace(step, inputs=known), records)
        except StepError as error:
            previews.append(Preview(step, "build", then=then, error=error.message))
            continue
        key = None if missing else keys.key(ingredients)
        if key and (record := store.find(key)):
            records[step.id] = record
            previews.append(Preview(step, "cached", key, earlier=record, then=then))
            continue
        if key and (record := elsewhere(key)):
            records[step.id] = record
            previews.append(Preview(step, "fetch", key, earlier=record, then=then))
            continue
        history = store.records() if history is None else history
        alike = [record for record in history if record.ingredients["step"] == step.name]
        before = next((record for record in alike if record.key == last.get(step.id)), None)
        before = before or _nearest(alike, step.id, ingredients)
        why = _changes(store, before, ingredients, keys.code_parts(step)) if before else ()
        why = tuple(change for change in why if not (change.where.startswith("inputs.") and change.new is None))
        status: Literal["build", "follows"] = "follows" if missing else "build"
        previews.append(Preview(step, status, key, why, before, tuple(sorted(missing)), then))
    store.stats.flush()
    return previews


def origin(record: Record, store: Store) -> tuple[Record | None, tuple[IngredientChange, ...]]:
    """Why a step was built: the nearest record that was there before, and what had changed since then."""
    before = [other for other in store.records() if other.finished < record.finished]
    before.sort(key=lambda other: other.finished, reverse=True)
    alike = [other for other in before if other.ingredients["step"] == record.ingredients["step"]]
    nearest = _nearest(alike, record.label, record.ingredients)
    parts = store.code_parts(record.ingredients["code"])
    return nearest, _changes(store, nearest, record.ingredients, parts) if nearest else ()


def changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[IngredientChange]:
    """Where two JSON objects differ, leaf by leaf; a list is one leaf."""
    differences = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            differences += changes(before, after, f"{prefix}{name}.")
        elif before != after:
            differences.append(IngredientChange(prefix + name, before, after))
    return differences


def _changes(
    store: Store, before: Record, ingredients: Mapping[str, Any], parts: Mapping[str, str]
) -> tuple[IngredientChange, ...]:
    """What changed since a record; of the code, which modules, where the store still knows them."""
    differences = changes(before.ingredients, ingredients)
    old_parts = store.code_parts(before.ingredients["code"])
    if old_parts and parts and (code := changes({"code": old_parts}, {"code": parts})):
        differences = [*code, *(change for change in differences if change.where != "code")]
    return tuple(differences)


def _nearest(alike: Sequence[Record], label: str, ingredients: Mapping[str, Any]) -> Record | None:
    """Of one step's records, latest first, the last under this label, else the most alike of the same recipe."""
    recipe = f"{label.partition('/')[0]}/"
    own = [record for record in alike if record.label.startswith(recipe)]
    same = next((record for record in own if record.label == label), None)
    return same or min(own, key=lambda record: len(changes(record.ingredients, ingredients)), default=None)


def _followers(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """For each step the ids of those that read its outputs, and of those that read theirs, in the plan's order."""
    followers: dict[str, tuple[str, ...]] = {}
    for step in steps:
        reached = {step.id}
        for other in steps:
            if any(isinstance(input_, Output) and input_.step in reached for input_ in other.inputs.values()):
                reached.add(other.id)
        followers[step.id] = tuple(other.id for other in steps if other.id in reached - {step.id})
    return followers
