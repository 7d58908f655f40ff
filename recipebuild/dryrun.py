"""What can be said of recipes without building anything: ``plan``, ``check`` and ``render``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.engine.explain import preview as preview_steps
from recipebuild.prepare import Options, open_store, prepare, template_folders
from recipebuild.recipe.load import load
from recipebuild.recipe.problems import Problem, RecipeProblems


def preview(recipes: Sequence[str], options: Options) -> list[dict[str, Any]]:
    """What ``run`` would do, and why: for each recipe what ``plan --json`` prints.

    Raises:
        RecipeError: If a recipe or an option is wrong.
    """
    store = open_store(options)
    return [
        {
            "recipe": job.plan.name,
            "toolchain": ", ".join(dict.fromkeys(f"{t.name} {t.version}" for t in job.toolchains.values())),
            "steps": [found.as_json() for found in preview_steps(job.plan.steps, store)],
        }
        for job in prepare(recipes, options)
    ]


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
