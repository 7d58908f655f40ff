"""``explain``: why a step would be built, or was."""

from __future__ import annotations

from typing import Any

from recipebuild.engine.explain import origin
from recipebuild.engine.explain import preview as preview_steps
from recipebuild.errors import RecipeError
from recipebuild.report.explain import explain_text
from recipebuild.results.build_folder import last_keys
from recipebuild.session import DEFAULTS, Options, RecipeName, listed, open_store, prepare
from recipebuild.verbs.plan import RemoteRecords, with_place

__all__ = ["Options", "explain", "explain_text"]


def explain(recipe: RecipeName, step: str, options: Options = DEFAULTS) -> list[dict[str, Any]]:
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
    (job,) = prepare(listed(recipe), options)
    last = last_keys(options.folder_of(job.plan.name))
    previews = {preview.step.id: preview for preview in preview_steps(job.plan.steps, store, elsewhere, last)}
    chosen = [preview for preview in previews.values() if preview.step.name == step]
    if not chosen:
        names = ", ".join(dict.fromkeys(planned.name for planned in job.plan.steps))
        raise RecipeError(f"{job.plan.name} has no step {step}", remedy=f"its steps are {names}")
    explained = []
    for preview in chosen:
        why, before = preview.why, preview.earlier
        if preview.status in ("cached", "fetch") and preview.earlier:
            before, why = origin(preview.earlier, store)
        entry = preview.as_json()
        entry["since"] = before.finished if before else None
        entry["why"] = [with_place(change, preview.step, job) for change in why]
        after = [previews[id_].as_json() for id_ in preview.then]
        entry["then"] = [{key: one[key] for key in ("id", "status", "seconds_last_time")} for one in after]
        entry["notes"] = elsewhere.new_notes()
        explained.append(entry)
    return explained
