"""``plan``: what ``run`` would do, and why. Builds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from recipebuild.engine.explain import IngredientChange
from recipebuild.engine.explain import preview as preview_steps
from recipebuild.engine.step import Step
from recipebuild.errors import CheckError, MissingError
from recipebuild.plan.origin import recipe_field
from recipebuild.report.plan import plan_text
from recipebuild.results.build_folder import last_keys
from recipebuild.session import DEFAULTS, Job, Options, RecipeName, listed, open_remote, open_store, prepare

if TYPE_CHECKING:
    from recipebuild.engine.record import Record

__all__ = ["Options", "RemoteRecords", "plan_text", "preview", "with_place"]


def preview(recipes: RecipeName | Sequence[RecipeName], options: Options = DEFAULTS) -> list[dict[str, Any]]:
    """What ``run`` would do, and why: for each recipe what ``plan --json`` prints.

    Raises:
        RecipeError: If a recipe or an option is wrong.
    """
    store, elsewhere = open_store(options), RemoteRecords(options)
    plans = []
    for job in prepare(listed(recipes), options):
        steps = []
        for one in preview_steps(job.plan.steps, store, elsewhere, last_keys(options.folder_of(job.plan.name))):
            steps.append({**one.as_json(), "why": [with_place(change, one.step, job) for change in one.why]})
        toolchains = dict.fromkeys(f"{t.name} {t.version}" for t in job.toolchains.values())
        plans.append(
            {
                "recipe": job.plan.name,
                "toolchain": ", ".join(toolchains),
                "steps": steps,
                "notes": elsewhere.new_notes(),
            }
        )
    return plans


class RemoteRecords:
    """Looks for records in the remote store that the options name, until that fails."""

    def __init__(self, options: Options) -> None:
        self._notes: list[str] = []
        self._remote = open_remote(options)
        if self._remote:
            self._remote.check()

    def __call__(self, key: str) -> Record | None:
        """The record of ``key`` there; ``None`` if there is none, or the store cannot be read."""
        try:
            return self._remote.look(key) if self._remote else None
        except CheckError:  # a run would build it
            return None
        except MissingError as error:
            self._notes.append(f"warning: RB802 {error.message}: what it has is not told here")
            self._remote = None
            return None

    def new_notes(self) -> list[str]:
        """What went wrong there and was not told yet."""
        notes, self._notes = self._notes, []
        return notes


def with_place(change: IngredientChange, step: Step, job: Job) -> dict[str, Any]:
    """A change with the recipe's ``field`` that decides the value, and the ``place`` where that is written."""
    field = recipe_field(step.name, change.where)
    place = job.place(step, field) if field else None
    return {**asdict(change), "field": field, "place": str(place) if place else None}
