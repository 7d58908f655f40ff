"""``explain``: why a step would be built, or was."""

from __future__ import annotations

from typing import Any

from recipebuild.engine.explain import origin
from recipebuild.engine.explain import preview as preview_steps
from recipebuild.errors import RecipeError
from recipebuild.report.explain import explain_text
from recipebuild.session import DEFAULTS, Options, open_store, prepare
from recipebuild.verbs.plan import RemoteRecords, with_place

__all__ = ["Options", "explain", "explain_text"]


def explain(recipe: str, step: str, options: Options = DEFAULTS) -> list[dict[str, Any]]:
    """Why a step of a recipe would be built or, if it is cached, was: one entry for each of its variants.

    Returns:
        What ``plan --json`` says of the step. ``then`` has an object for each step that follows from it: ``id``,
        ``status`` and ``seconds_last_time``. With ``cached`` and ``fetch``, ``why`` tells what had changed when it was
        built, and ``since`` when what it was compared with was built. ``notes`` tells of a remote store that cannot be
        read.

    Raises:
        RecipeError: If the recipe, an option or the step's name is wrong.
    """
    store, elsewhere = open_store(options), RemoteRecords(options)
    (job,) = prepare([recipe], options)
    previews = {it.step.id: it for it in preview_steps(job.plan.steps, store, elsewhere)}
    chosen = [it for it in previews.values() if it.step.name == step]
    if not chosen:
        names = ", ".join(dict.fromkeys(it.name for it in job.plan.steps))
        raise RecipeError(f"{job.plan.name} has no step {step}", remedy=f"its steps are {names}")
    found = []
    for it in chosen:
        why, before = it.why, it.earlier
        if it.status in ("cached", "fetch") and it.earlier:
            before, why = origin(it.earlier, store)
        said = it.as_json()
        said["since"] = before.finished if before else None
        said["why"] = [with_place(change, it.step, job) for change in why]
        after = [previews[id_].as_json() for id_ in it.then]
        said["then"] = [{key: one[key] for key in ("id", "status", "seconds_last_time")} for one in after]
        said["notes"] = elsewhere.new_notes()
        found.append(said)
    return found
