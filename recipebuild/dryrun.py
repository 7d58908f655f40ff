"""What can be said of recipes without building anything: ``plan``, ``explain``, ``check`` and ``render``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipebuild.engine.explain import Change, origin
from recipebuild.engine.explain import preview as preview_steps
from recipebuild.engine.step import Step
from recipebuild.errors import RecipeError
from recipebuild.plan.origin import recipe_field
from recipebuild.prepare import Job, Options, open_store, prepare, template_folders
from recipebuild.recipe.load import load
from recipebuild.recipe.problems import Problem, RecipeProblems


def preview(recipes: Sequence[str], options: Options) -> list[dict[str, Any]]:
    """What ``run`` would do, and why: for each recipe what ``plan --json`` prints.

    Raises:
        RecipeError: If a recipe or an option is wrong.
    """
    store = open_store(options)
    found = []
    for job in prepare(recipes, options):
        steps = []
        for it in preview_steps(job.plan.steps, store):
            steps.append({**it.as_json(), "why": [_sourced(change, it.step, job) for change in it.why]})
        toolchains = dict.fromkeys(f"{t.name} {t.version}" for t in job.toolchains.values())
        found.append({"recipe": job.plan.name, "toolchain": ", ".join(toolchains), "steps": steps})
    return found


def explain(recipe: str, step: str, options: Options) -> list[dict[str, Any]]:
    """Why a step of a recipe would be built or, if it is cached, was: one entry for each of its variants.

    Returns:
        What ``plan --json`` says of the step. ``then`` has an object for each step that follows from it: ``id``,
        ``status`` and ``seconds_last_time``. With ``cached``, ``why`` tells what had changed when it was built, and
        ``since`` when what it was compared with was built.

    Raises:
        RecipeError: If the recipe, an option or the step's name is wrong.
    """
    store = open_store(options)
    (job,) = prepare([recipe], options)
    previews = {it.step.id: it for it in preview_steps(job.plan.steps, store)}
    chosen = [it for it in previews.values() if it.step.name == step]
    if not chosen:
        names = ", ".join(dict.fromkeys(it.name for it in job.plan.steps))
        raise RecipeError(f"{job.plan.name} has no step {step}", remedy=f"its steps are {names}")
    found = []
    for it in chosen:
        why, before = it.why, it.earlier
        if it.status == "cached" and it.earlier:
            before, why = origin(it.earlier, store)
        said = it.as_json()
        said["since"] = before.finished if before else None
        said["why"] = [_sourced(change, it.step, job) for change in why]
        after = [previews[id_].as_json() for id_ in it.then]
        said["then"] = [{key: one[key] for key in ("id", "status", "seconds_last_time")} for one in after]
        found.append(said)
    return found


def _sourced(change: Change, step: Step, job: Job) -> dict[str, Any]:
    """A change with the recipe's ``field`` that decides the value, and the ``place`` where that is written."""
    variant = job.variants.get(step.variant) or next(iter(job.variants.values()))
    field = recipe_field(step.name, change.where)
    place = variant.place(field) if field else None
    return {**asdict(change), "field": field, "place": str(place) if place else None}


@dataclass(frozen=True)
class Checked:
    """What there is to say of a recipe: what is wrong, or else what is worth knowing.

    Attributes:
        recipe: Its name, or as it was given if it cannot be loaded.
    """

    recipe: str
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """What ``check --json`` prints."""
        problems = [problem.to_json() for problem in self.problems]
        return {"recipe": self.recipe, "ok": not problems, "problems": problems, "notes": list(self.notes)}


def check(recipes: Sequence[str], options: Options) -> list[Checked]:
    """Whether recipes are right, each by itself, and what is worth knowing about them."""
    found = []
    for given in recipes:
        try:
            (job,) = prepare([given], options)
            found.append(Checked(job.plan.name, notes=job.notes))
        except RecipeProblems as error:
            found.append(Checked(given, error.problems))
    return found


def render(recipe: str, options: Options) -> str:
    """The Pulsar2 configuration of a recipe; of a matrix, that of its first entry.

    Raises:
        RecipeError: If the recipe is wrong.
        StepError: If the template is wrong.
    """
    from recipebuild.calibration.preprocess import ImageSpec
    from recipebuild.pulsar2.render import config_text

    it = load(recipe, sets=options.sets, cwd=Path.cwd())[0].recipe
    spec = ImageSpec.model_validate(it.input.model_dump(mode="json"))
    folders = template_folders(options)
    method, count = it.quantization.method, it.calibration.count
    return config_text(it.target.hardware, it.target.npu_mode, method, count, spec, folders)
