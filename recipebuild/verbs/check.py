"""``check``: whether recipes are right, and what is worth knowing about them. Builds nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recipebuild.engine.explain import preview as preview_steps
from recipebuild.engine.store import own_store
from recipebuild.errors import RecipebuildError, StepError
from recipebuild.plan.pulsar2 import configure_params
from recipebuild.recipe.problems import Place, Problem, RecipeProblems
from recipebuild.recipe.schema import Recipe
from recipebuild.results.notes import Note, answered
from recipebuild.session import DEFAULTS, Job, Options, RecipeName, listed, open_store, prepare
from recipebuild.verbs.capacity import concerns
from recipebuild.verbs.class_labels import misnamed
from recipebuild.verbs.images_at_hand import unfit_images
from recipebuild.verbs.render import configure_build
from recipebuild.verbs.run import last_seconds
from recipebuild.verbs.tensors_at_hand import unfit_tensors

__all__ = ["Checked", "Options", "check"]

_UNSIMPLIFIED = "{} is listed as it is; a build simplifies and rewrites it first: see run --until lint"


@dataclass(frozen=True)
class Checked:
    """What there is to say of a recipe: what is wrong, or else what is worth knowing.

    Attributes:
        recipe: Its name, or as it was given if it cannot be loaded.
        problems: What is wrong.
        notes: Warnings and notes, as lines; those that the recipe answers come last.
        rules: The same, those that have a code, taken apart.
        seconds: How long its steps took when they were last built here, one after another; ``None`` if not all were.
    """

    recipe: str
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    rules: Sequence[Note] = ()
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``check --json`` prints."""
        problems = [problem.to_json() for problem in self.problems]
        rules = [note.as_json() for note in self.rules]
        return {
            "recipe": self.recipe, "ok": not problems, "problems": problems, "notes": list(self.notes), "rules": rules,
            "seconds": self.seconds,
        }  # fmt: skip


def check(recipes: RecipeName | Sequence[RecipeName], options: Options = DEFAULTS) -> list[Checked]:
    """Whether recipes are right, each by itself, and what is worth knowing about them."""
    checked, took = [], cache(lambda: last_seconds(options))
    for recipe in listed(recipes):
        try:
            (job,) = prepare([recipe], options)
        except RecipeProblems as error:
            checked.append(Checked(recipe, error.problems))
            continue
        problems, notes = _configured(job, options)
        problems += [*_undescribed(job), *_unmatched(job, options), *misnamed(job)]
        problems += [*unfit_images(job), *unfit_tensors(job)]
        more = [*_capacity(job, options), *_operators(job, options)]
        remarks = answered([*job.notes, *notes, *more], job.ignore)
        checked.append(Checked(job.plan.name, problems, *remarks, seconds=_seconds(job, took())))
    return checked


def _seconds(job: Job, took: Mapping[str, float]) -> float | None:
    """How long the steps took the last time, by a step's id, if each was built before."""
    steps = [took.get(step.id) for step in job.plan.steps]
    known = [seconds for seconds in steps if seconds is not None]
    return round(sum(known), 1) if len(known) == len(steps) else None


def _configured(job: Job, options: Options) -> tuple[list[Problem], list[str]]:
    """What is wrong with the Pulsar2 configurations of recipes, and what the tool would accept in silence."""
    from recipebuild.toolkit.pulsar2.facts import Facts
    from recipebuild.toolkit.pulsar2.kept_proto import refusal
    from recipebuild.toolkit.pulsar2.mistakes import mistakes
    from recipebuild.toolkit.pulsar2.settled import composed

    problems: dict[str, Problem] = {}
    notes: list[str] = []
    for label, recipe in zip(job.variants, job.recipes, strict=True):
        try:
            made = composed(configure_build(recipe))
        except StepError as error:
            problems[error.message] = Problem("pulsar2", error.message, Place(recipe.name), error.remedy)
            continue
        if refused := refusal(json.loads(made.text), recipe.pulsar2.version, own_store()):
            remedy = "recipebuild render prints the configuration; recipebuild doctor --toolchain asks the tool anew"
            problems[refused] = Problem("pulsar2", refused, Place(recipe.name), remedy)
        notes += [f"warning: {text}" for text in made.warnings]
        known = Facts(joins=_joined(job, label, options))
        # That mean and std look like 0..1 units is said already, in the recipe's words.
        notes += [
            f"warning: {mistake.code} {mistake}" for mistake in mistakes(made.config, known) if mistake.kind != "units"
        ]
    return list(problems.values()), list(dict.fromkeys(notes))


def _joined(job: Job, label: str, options: Options) -> dict[str, tuple[str, ...]]:
    """What each Concat joins, of the model that is compiled if it was built before, or of the ONNX file it is.

    Only an entry that asks for precisions has use for it, so no other reads a model.
    """
    recipe = job.variants[label].recipe
    if not recipe.quantization.layers:
        return {}
    source = Path(recipe.model.source) if recipe.model.is_onnx else None
    model = _built_models(job, options).get(label) or source
    if model is None:
        return {}
    from recipebuild.toolkit.graph.files import load as load_model
    from recipebuild.toolkit.graph.joins import joined_operators

    try:
        return joined_operators(load_model(model, weights=False))
    except StepError:  # the step fetch says what is wrong with it
        return {}


def _built_models(job: Job, options: Options) -> dict[str, Path]:
    """The models that are compiled, by the entry's label, of entries where they were built before."""
    store = open_store(options)
    built = {}
    for preview in preview_steps(job.plan.steps, store):
        record = store.find(preview.key) if preview.step.name == "head" and preview.key else None
        for label, ids in job.plan.variants.items():
            if record and preview.step.id in ids:
                built[label] = store.path(record.select("model.onnx")[0])
    return built


def _undescribed(job: Job) -> list[Problem]:
    """That an ONNX file which is a model's source is not sound, or takes something else than the recipe describes."""
    problems: dict[str, Problem] = {}
    for variant in job.variants.values():
        recipe = variant.recipe
        if not recipe.model.is_onnx:
            continue
        source = Path(recipe.model.source)
        from recipebuild.toolkit.graph.simplify import check_inputs
        from recipebuild.toolkit.graph.source import check_source

        image = recipe.image
        shapes: dict[str, Sequence[int]] = {image.name: image.shape} if image else {}
        shapes |= {tensor.name: tensor.shape for tensor in recipe.tensors}
        dtypes = {tensor.name: tensor.dtype for tensor in recipe.tensors if tensor.dtype}
        try:
            model = check_source(source, quantized=recipe.pulsar2.is_quantized)
            check_inputs(model, source, shapes, image.name if image else None, dtypes)
        except StepError as error:
            place = variant.place(error.field) or variant.place("model.source") or Place(recipe.name)
            problems[error.message] = Problem(error.field, error.text, place, error.remedy)
    return list(problems.values())


def _unmatched(job: Job, options: Options) -> list[Problem]:
    """That a pattern of ``quantization.layers`` matches nothing in the model, where that was built before."""
    asked = {label: variant for label, variant in job.variants.items() if _by_module(variant.recipe)}
    if not asked:
        return []
    models = _built_models(job, options)
    problems: dict[str, Problem] = {}
    for label, variant in asked.items():
        if label not in models:
            continue
        from recipebuild.toolkit.graph.files import load as load_model
        from recipebuild.toolkit.graph.layers import resolve

        try:
            resolve(_by_module(variant.recipe), load_model(models[label], weights=False))
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
    """What the NPU cannot take: of the model that is compiled, if it was linted before, or can be made in seconds."""
    by_target = {(recipe.target.hardware, recipe.target.npu_mode): recipe for recipe in job.recipes}
    return [line for (hardware, _), recipe in by_target.items() for line in _linted(job, recipe, options, hardware)]


def _linted(job: Job, recipe: Recipe, options: Options, hardware: str) -> list[str]:
    from recipebuild.toolkit.pulsar2.lint import Finding, hardware_with_tables, lint

    def as_warnings(findings: Sequence[Finding]) -> list[str]:
        return [f"warning: {finding.code} {hardware}: {finding}" for finding in findings]

    target = recipe.target.model_dump(include={"hardware", "npu_mode"})
    store = open_store(options)
    steps = job.plan.steps
    for known in preview_steps(steps, store):
        record = store.find(known.key) if known.step.name == "lint" and known.key else None
        if record and target.items() <= known.step.params.items():
            written = json.loads(store.path(record.select("lint.json")[0]).read_text(encoding="utf-8"))
            return as_warnings([Finding(**each) for each in written["findings"]])
    if not recipe.model.is_onnx or hardware not in hardware_with_tables():
        return []
    source = Path(recipe.model.source)
    step = next(each for each in steps if each.name == "lint" and target.items() <= each.params.items())
    from recipebuild.toolkit.graph.files import load
    from recipebuild.verbs.final_graph import final_graph, is_quick

    if is_quick(source):
        with contextlib.suppress(RecipebuildError):  # the steps say what is wrong with it
            return as_warnings(lint(final_graph(steps, step, source), **target))
    try:
        warnings = as_warnings(lint(load(source, weights=False), **target))
    except StepError:
        return []
    return [*warnings, f"note: RB423 {hardware}: {_UNSIMPLIFIED.format(source.name)}"] if warnings else []
