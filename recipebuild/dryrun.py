"""What can be said of recipes without building anything: ``plan``, ``explain``, ``graph``, ``check`` and ``render``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.engine.explain import Change, origin
from recipebuild.engine.explain import preview as preview_steps
from recipebuild.engine.step import Step
from recipebuild.errors import CheckError, MissingError, RecipeError, StepError
from recipebuild.plan.origin import recipe_field
from recipebuild.plan.pulsar2 import configure_params
from recipebuild.prepare import DEFAULTS, Job, Options, listed, open_remote, open_store, prepare, templates_of
from recipebuild.recipe.load import load
from recipebuild.recipe.problems import Place, Problem, RecipeProblems
from recipebuild.recipe.schema import Recipe
from recipebuild.room import concerns

if TYPE_CHECKING:
    from recipebuild.engine.record import Record
    from recipebuild.pulsar2.compose import Build
    from recipebuild.pulsar2.lint import Finding
    from recipebuild.pulsar2.settled import Settled


def preview(recipes: str | Sequence[str], options: Options = DEFAULTS) -> list[dict[str, Any]]:
    """What ``run`` would do, and why: for each recipe what ``plan --json`` prints.

    Raises:
        RecipeError: If a recipe or an option is wrong.
    """
    store, elsewhere = open_store(options), _Elsewhere(options)
    found = []
    for job in prepare(listed(recipes), options):
        steps = []
        for it in preview_steps(job.plan.steps, store, elsewhere):
            steps.append({**it.as_json(), "why": [_sourced(change, it.step, job) for change in it.why]})
        toolchains = dict.fromkeys(f"{t.name} {t.version}" for t in job.toolchains.values())
        found.append(
            {"recipe": job.plan.name, "toolchain": ", ".join(toolchains), "steps": steps, "notes": elsewhere.told()}
        )
    return found


class _Elsewhere:
    """Looks for records in the remote store that the options name, until that fails."""

    def __init__(self, options: Options) -> None:
        self._notes: list[str] = []
        self._remote = open_remote(options)
        if self._remote:
            self._remote.check()

    def __call__(self, key: str) -> Record | None:
        try:
            return self._remote.look(key) if self._remote else None
        except CheckError:  # a run would build it
            return None
        except MissingError as error:
            self._notes.append(f"warning: {error.message}: what it has is not told here")
            self._remote = None
            return None

    def told(self) -> list[str]:
        """What went wrong there and was not told yet."""
        notes, self._notes = self._notes, []
        return notes


def picture(recipe: str, language: Literal["mermaid", "dot", "svg"], options: Options) -> str:
    """The steps of a recipe, drawn: which are cached, which would be built.

    Raises:
        RecipeError: If the recipe or an option is wrong.
    """
    from recipebuild.report.pipeline.nodes import nodes
    from recipebuild.report.pipeline.svg import svg
    from recipebuild.report.pipeline.text import dot, mermaid

    (plan,) = preview([recipe], options)
    found = nodes(plan["steps"])
    if language == "svg":
        return svg(found, f"The steps of {plan['recipe']}") + "\n"
    return mermaid(found) if language == "mermaid" else dot(found, plan["recipe"])


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
    store, elsewhere = open_store(options), _Elsewhere(options)
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
        said["why"] = [_sourced(change, it.step, job) for change in why]
        after = [previews[id_].as_json() for id_ in it.then]
        said["then"] = [{key: one[key] for key in ("id", "status", "seconds_last_time")} for one in after]
        said["notes"] = elsewhere.told()
        found.append(said)
    return found


def _sourced(change: Change, step: Step, job: Job) -> dict[str, Any]:
    """A change with the recipe's ``field`` that decides the value, and the ``place`` where that is written."""
    field = recipe_field(step.name, change.where)
    place = job.place(step, field) if field else None
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


def check(recipes: str | Sequence[str], options: Options = DEFAULTS) -> list[Checked]:
    """Whether recipes are right, each by itself, and what is worth knowing about them."""
    found = []
    for given in listed(recipes):
        try:
            (job,) = prepare([given], options)
        except RecipeProblems as error:
            found.append(Checked(given, error.problems))
            continue
        problems, notes = _configured(job.recipes)
        problems += [*_undescribed(job), *_unmatched(job, options)]
        more = [*_room(job, options), *_operators(job, options)]
        found.append(Checked(job.plan.name, problems, [*job.notes, *notes, *more]))
    return found


def _configured(recipes: Sequence[Recipe]) -> tuple[list[Problem], list[str]]:
    """What is wrong with the Pulsar2 configurations of recipes, and what the tool would accept in silence."""
    from recipebuild.pulsar2.mistakes import mistakes
    from recipebuild.pulsar2.settled import composed

    problems: dict[str, Problem] = {}
    notes: list[str] = []
    for recipe in recipes:
        try:
            made = composed(_build(recipe))
        except StepError as error:
            problems[error.message] = Problem("pulsar2", error.message, Place(recipe.name), error.remedy)
            continue
        notes += [f"warning: {text}" for text in made.warnings]
        # That mean and std look like 0..1 units is said already, in the recipe's words.
        notes += [f"warning: {it}" for it in mistakes(made.config) if it.kind != "units"]
    return list(problems.values()), list(dict.fromkeys(notes))


def _undescribed(job: Job) -> list[Problem]:
    """That an ONNX file which is a model's source is not sound, or takes something else than the recipe describes."""
    found: dict[str, Problem] = {}
    for variant in job.variants.values():
        recipe = variant.recipe
        source = Path(recipe.model.source)
        if source.suffix != ".onnx" or not recipe.model.is_local:
            continue
        from recipebuild.graph.simplify import check_inputs
        from recipebuild.graph.source import check_source

        shapes: dict[str, Sequence[int]] = {recipe.input.name: recipe.input.shape}
        shapes |= {given.name: given.shape for given in recipe.more_inputs}
        try:
            check_inputs(check_source(source), source, shapes)
        except StepError as error:
            field, _, message = error.message.partition(": ")
            place = variant.place(field) or variant.place("model.source") or Place(recipe.name)
            found[error.message] = Problem(field, message, place, error.remedy)
    return list(found.values())


def _unmatched(job: Job, options: Options) -> list[Problem]:
    """That a pattern of ``quantization.layers`` matches nothing in the model, where that was built before."""
    asked = {label: variant for label, variant in job.variants.items() if _by_module(variant.recipe)}
    if not asked:
        return []
    store = open_store(options)
    models = {it.step.id: it.key for it in preview_steps(job.plan.steps, store) if it.step.name == "head"}
    found: dict[str, Problem] = {}
    for label, variant in asked.items():
        key = next((key for id_, key in models.items() if id_ in job.plan.variants[label]), None)
        record = store.find(key) if key else None
        if record is None:
            continue
        from recipebuild.graph.files import load as load_model
        from recipebuild.graph.layers import resolve

        try:
            resolve(_by_module(variant.recipe), load_model(store.path(record.select("model.onnx")[0]), weights=False))
        except StepError as error:
            place = variant.place("quantization.layers") or Place(variant.recipe.name)
            found[error.message] = Problem("quantization.layers", error.message, place, error.remedy)
    return list(found.values())


def _by_module(recipe: Recipe) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = configure_params(recipe)["quant"].get("layer_configs", [])
    return [layer for layer in layers if "module" in layer]


def _room(job: Job, options: Options) -> list[str]:
    """Whether there is room for a build on this machine."""
    store = open_store(options).root
    pulsar2 = any(toolchain.name == "pulsar2" for toolchain in job.toolchains.values())
    return list(dict.fromkeys(line for recipe in job.recipes for line in concerns(recipe, store, pulsar2=pulsar2)))


def _operators(job: Job, options: Options) -> list[str]:
    """What the NPU cannot take: of the model that is compiled, if it was linted before, or of the ONNX file it is."""
    found = {recipe.target.hardware: _linted(job, recipe, options) for recipe in job.recipes}
    return [f"warning: {hardware}: {finding}" for hardware, findings in found.items() for finding in findings]


def _linted(job: Job, recipe: Recipe, options: Options) -> Sequence[Finding]:
    from recipebuild.pulsar2.lint import Finding, hardware_with_tables, lint

    store = open_store(options)
    for known in preview_steps(job.plan.steps, store):
        record = store.find(known.key) if known.step.name == "lint" and known.key else None
        if record and known.step.params["hardware"] == recipe.target.hardware:
            written = json.loads(store.path(record.select("lint.json")[0]).read_text(encoding="utf-8"))
            return [Finding(**each) for each in written["findings"]]
    source = Path(recipe.model.source)
    if source.suffix != ".onnx" or not recipe.model.is_local or recipe.target.hardware not in hardware_with_tables():
        return []
    from recipebuild.graph.files import load

    try:
        return lint(load(source, weights=False), recipe.target.hardware)
    except StepError:  # the step fetch says what is wrong with it
        return []


def render(recipe: str, options: Options = DEFAULTS) -> str:
    """The Pulsar2 configuration of a recipe; of a matrix, that of its first entry.

    Raises:
        RecipeError: If the recipe is wrong.
        StepError: If the template is wrong.
    """
    return render_recipe(load(recipe, sets=options.sets, cwd=Path.cwd(), files=False)[0].recipe, options).text


def render_recipe(recipe: Recipe, options: Options) -> Settled:
    """The Pulsar2 configuration of a loaded recipe; layers that are chosen by module stay as patterns.

    Raises:
        StepError: If the template or what it renders is wrong.
    """
    from recipebuild.pulsar2.render import rendered

    return rendered(_build(recipe), templates_of(options)["pulsar2"])


def _build(recipe: Recipe) -> Build:
    """What the step configure is told, but for layers that are chosen by module: they stay as patterns."""
    from recipebuild.pulsar2.compose import Build

    build = Build.model_validate(configure_params(recipe))
    layers = [_unresolved(layer) for layer in build.quant.get("layer_configs", ())]
    quant = {**build.quant, **({"layer_configs": layers} if layers else {})}
    return build.model_copy(update={"quant": quant})


def _unresolved(layer: dict[str, Any]) -> dict[str, Any]:
    patterns = layer.get("module")
    rest = {name: value for name, value in layer.items() if name != "module"}
    return {"layer_names": patterns, **rest} if patterns else rest
