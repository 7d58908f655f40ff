"""``check``: whether recipes are right, and what is worth knowing about them. Builds nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.engine.explain import preview as preview_steps
from recipebuild.errors import StepError
from recipebuild.plan.pulsar2 import configure_params
from recipebuild.recipe.problems import Place, Problem, RecipeProblems
from recipebuild.recipe.schema import Recipe
from recipebuild.session import DEFAULTS, Job, Options, listed, open_store, prepare
from recipebuild.verbs.capacity import concerns
from recipebuild.verbs.class_labels import misnamed
from recipebuild.verbs.render import configure_build

if TYPE_CHECKING:
    from recipebuild.toolkit.pulsar2.lint import Finding

__all__ = ["Checked", "Options", "check"]


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


def check(recipes: str | Sequence[str], options: Options = DEFAULTS) -> list[Checked]:
    """Whether recipes are right, each by itself, and what is worth knowing about them."""
    checked = []
    for recipe in listed(recipes):
        try:
            (job,) = prepare([recipe], options)
        except RecipeProblems as error:
            checked.append(Checked(recipe, error.problems))
            continue
        problems, notes = _configured(job.recipes)
        problems += [*_undescribed(job), *_unmatched(job, options), *misnamed(job)]
        more = [*_capacity(job, options), *_operators(job, options)]
        checked.append(Checked(job.plan.name, problems, [*job.notes, *notes, *more]))
    return checked


def _configured(recipes: Sequence[Recipe]) -> tuple[list[Problem], list[str]]:
    """What is wrong with the Pulsar2 configurations of recipes, and what the tool would accept in silence."""
    from recipebuild.toolkit.pulsar2.mistakes import mistakes
    from recipebuild.toolkit.pulsar2.settled import composed

    problems: dict[str, Problem] = {}
    notes: list[str] = []
    for recipe in recipes:
        try:
            made = composed(configure_build(recipe))
        except StepError as error:
            problems[error.message] = Problem("pulsar2", error.message, Place(recipe.name), error.remedy)
            continue
        notes += [f"warning: {text}" for text in made.warnings]
        # That mean and std look like 0..1 units is said already, in the recipe's words.
        notes += [f"warning: {mistake}" for mistake in mistakes(made.config) if mistake.kind != "units"]
    return list(problems.values()), list(dict.fromkeys(notes))


def _undescribed(job: Job) -> list[Problem]:
    """That an ONNX file which is a model's source is not sound, or takes something else than the recipe describes."""
    problems: dict[str, Problem] = {}
    for variant in job.variants.values():
        recipe = variant.recipe
        source = Path(recipe.model.source)
        if source.suffix != ".onnx" or not recipe.model.is_local:
            continue
        from recipebuild.toolkit.graph.simplify import check_inputs
        from recipebuild.toolkit.graph.source import check_source

        shapes: dict[str, Sequence[int]] = {recipe.input.name: recipe.input.shape}
        shapes |= {more.name: more.shape for more in recipe.more_inputs}
        try:
            check_inputs(check_source(source), source, shapes)
        except StepError as error:
            place = variant.place(error.field) or variant.place("model.source") or Place(recipe.name)
            problems[error.message] = Problem(error.field, error.text, place, error.remedy)
    return list(problems.values())


def _unmatched(job: Job, options: Options) -> list[Problem]:
    """That a pattern of ``quantization.layers`` matches nothing in the model, where that was built before."""
    asked = {label: variant for label, variant in job.variants.items() if _by_module(variant.recipe)}
    if not asked:
        return []
    store = open_store(options)
    models = {
        preview.step.id: preview.key for preview in preview_steps(job.plan.steps, store) if preview.step.name == "head"
    }
    problems: dict[str, Problem] = {}
    for label, variant in asked.items():
        key = next((key for id_, key in models.items() if id_ in job.plan.variants[label]), None)
        record = store.find(key) if key else None
        if record is None:
            continue
        from recipebuild.toolkit.graph.files import load as load_model
        from recipebuild.toolkit.graph.layers import resolve

        try:
            resolve(_by_module(variant.recipe), load_model(store.path(record.select("model.onnx")[0]), weights=False))
        except StepError as error:
            place = variant.place("quantization.layers") or Place(variant.recipe.name)
            problems[error.message] = Problem("quantization.layers", error.text, place, error.remedy)
    return list(problems.values())


def _by_module(recipe: Recipe) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = configure_params(recipe)["quant"].get("layer_configs", [])
    return [layer for layer in layers if "module" in layer]


def _capacity(job: Job, options: Options) -> list[str]:
    """Whether there is room for a build on this machine."""
    store = open_store(options).root
    pulsar2 = any(toolchain.name == "pulsar2" for toolchain in job.toolchains.values())
    return list(dict.fromkeys(line for recipe in job.recipes for line in concerns(recipe, store, pulsar2=pulsar2)))


def _operators(job: Job, options: Options) -> list[str]:
    """What the NPU cannot take: of the model that is compiled, if it was linted before, or of the ONNX file it is."""
    by_hardware = {recipe.target.hardware: _linted(job, recipe, options) for recipe in job.recipes}
    return [f"warning: {hardware}: {finding}" for hardware, findings in by_hardware.items() for finding in findings]


def _linted(job: Job, recipe: Recipe, options: Options) -> Sequence[Finding]:
    from recipebuild.toolkit.pulsar2.lint import Finding, hardware_with_tables, lint

    store = open_store(options)
    for known in preview_steps(job.plan.steps, store):
        record = store.find(known.key) if known.step.name == "lint" and known.key else None
        if record and known.step.params["hardware"] == recipe.target.hardware:
            written = json.loads(store.path(record.select("lint.json")[0]).read_text(encoding="utf-8"))
            return [Finding(**each) for each in written["findings"]]
    source = Path(recipe.model.source)
    if source.suffix != ".onnx" or not recipe.model.is_local or recipe.target.hardware not in hardware_with_tables():
        return []
    from recipebuild.toolkit.graph.files import load

    try:
        return lint(load(source, weights=False), recipe.target.hardware)
    except StepError:  # the step fetch says what is wrong with it
        return []
