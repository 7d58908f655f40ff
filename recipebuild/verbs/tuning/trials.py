"""Variants of one recipe, built by the engine and measured on one half of the dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from recipebuild.engine.events import OnEvent
from recipebuild.engine.step import Step
from recipebuild.engine.task import Result
from recipebuild.errors import Interrupted, RecipeError
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.sensitivity import Sensitivity
from recipebuild.figures.values import read_figures
from recipebuild.machine import embedded_toolchain
from recipebuild.plan.plan import Plan, only_until
from recipebuild.recipe.load import Variant, load
from recipebuild.session import Options, Session, open_store, plan_recipe
from recipebuild.verbs.tuning.change import RecipeChange, TunableBlock, blocks_of
from recipebuild.verbs.tuning.search import Outcome, failed

Part = Literal["tuning", "heldout"]


@dataclass(frozen=True)
class Figures:
    """The metric on one half of the dataset.

    Attributes:
        images: How many images that half has.
        float_model: Of the float model.
        before: Of the recipe as it is, quantized.
        after: With the change.
        drop: What the change leaves of the loss.
    """

    images: int
    float_model: float
    before: float
    after: float
    drop: float


class Trials:
    """Variants of one recipe, built and evaluated."""

    def __init__(self, recipe: str, options: Options, on_event: OnEvent) -> None:
        self._recipe, self._options, self._on_event = recipe, options, on_event
        variants = load(recipe, sets=options.sets, cwd=Path.cwd())
        if len(variants) > 1:
            raise RecipeError(
                f"{variants[0].recipe.name} has a matrix: it is {len(variants)} builds",
                remedy="tune a recipe without one, which this one can extend",
            )
        self.own = variants[0].recipe
        if self.own.evaluate is None:
            raise RecipeError(
                f"{self.own.name} has no evaluate: so there is no metric to tune",
                remedy="add a dataset: evaluate: {dataset: ./heldout}",
            )
        self.layers = [layer.model_dump(mode="json", exclude_defaults=True) for layer in self.own.quantization.layers]
        self.metric = ""

    def measure(self, changes: Sequence[RecipeChange], part: Part) -> list[Outcome]:
        """Build and evaluate variants on one half of the dataset."""
        _, *runs = self._run([RecipeChange(), *changes], lambda plan: _of_trials(plan, part, "judge"))
        outcomes = []
        for change, results in zip(changes, runs, strict=True):
            evaluated, compiled = results["evaluate"], results["compile"]
            if evaluated.record is None or compiled.record is None or results["judge"].record is None:
                self._give_up(results, unless=bool(change.settings or change.wide))
                outcomes.append(failed(_why(results)))
                continue
            accuracy = read_figures(Evaluation, evaluated.record.metrics)
            built = read_figures(Compiled, compiled.record.metrics)
            assert accuracy and accuracy.drop is not None and built, "both steps give them"  # noqa: S101
            self.metric = accuracy.metric
            outcomes.append(
                Outcome(max(accuracy.drop, 0.0), built.share_16bit or 0.0, accuracy, distance=accuracy.distance)
            )
        return outcomes

    def model(self) -> Path:
        """The model of the recipe as it is, which is quantized then. It is verified here, once for all trials."""
        [results] = self._run([RecipeChange()], lambda plan: only_until(plan, "verify").steps)
        record = results["head"].record
        if record is None or results["verify"].record is None:
            self._give_up(results, unless=False)
        assert record, "or else there was an error"  # noqa: S101
        return open_store(self._options).path(record.select("model.onnx")[0])

    def blocks(self, change: RecipeChange) -> list[TunableBlock]:
        """The blocks of the model with a change's settings, and what 8 bits cost them."""
        [results] = self._run([change], lambda plan: _of_trials(plan, "tuning", "sensitivity"))
        record = results["sensitivity"].record
        if record is None:
            self._give_up(results, unless=False)
            return []
        sensitivity = read_figures(Sensitivity, record.metrics)
        assert sensitivity, "the step gives them"  # noqa: S101
        return blocks_of(sensitivity)

    def figures(self, outcomes: Sequence[Outcome]) -> Figures:
        """Of the recipe as it is, and with the change."""
        before, after = (outcome.evaluation for outcome in outcomes)
        assert before and after, "both were measured"  # noqa: S101
        right, quantized = f"{self.metric}_float", f"{self.metric}_quantized"
        return Figures(
            after.images, after.scores[right], before.scores[quantized], after.scores[quantized], outcomes[1].drop
        )

    def _run(
        self, changes: Sequence[RecipeChange], chosen: Callable[[Plan], Sequence[Step]]
    ) -> list[dict[str, Result]]:
        """How the chosen steps of each variant ended, by their names."""
        variants = [self._variant(change, f"trial {number}") for number, change in enumerate(changes, 1)]
        plan = plan_recipe(variants, self._options, lambda *_: embedded_toolchain()).plan
        with Session(self._options, chosen(plan)) as session:
            results = session.run(self._on_event, keep_going=True)
        if any(isinstance(result.error, Interrupted) for result in results.values()):
            raise Interrupted("interrupted; what was tried is kept, and the same command goes on from there")
        return [
            {results[i].step.name: results[i] for i in plan.variants[variant.label] if i in results}
            for variant in variants
        ]

    def _variant(self, change: RecipeChange, label: str) -> Variant:
        sets = [f"{name}={json.dumps(value)}" for name, value in change.values(self.layers).items()]
        sets = [*self._options.sets, "tune={}", *sets]
        return replace(load(self._recipe, sets=sets, cwd=Path.cwd())[0], label=label)

    def _give_up(self, results: dict[str, Result], *, unless: bool) -> None:
        """Raise what went wrong, unless it was only a trial."""
        error = next((result.error for result in results.values() if result.error), None)
        if error is not None and not unless:
            raise error


def _of_trials(plan: Plan, part: Part, last: str) -> list[Step]:
    """The steps of trials: models answer and are measured on one half of the dataset, and nothing limits the loss.

    The search weighs that itself. No change alters the function of the float model: it is not verified again, and the
    answers of the first variant are what all are held against. PyTorch is left out.
    """
    own = set(next(iter(plan.variants.values())))
    exact = next(step.inputs["float"] for step in plan.steps if step.name == "evaluate" and step.id in own)
    steps = []
    for step in plan.steps:
        if step.name == "compile":
            step = replace(step, after=())
        elif step.name == "judge":
            step = replace(step, params={**step.params, "max_drop": None})
        elif step.name == "evaluate" or step.name.startswith("answers-"):
            step = replace(step, params={**step.params, "part": part})
        if step.name == "evaluate":
            kept = {name: source for name, source in step.inputs.items() if name != "pytorch"}
            step = replace(step, inputs={**kept, "float": exact})
        steps.append(step)
    return list(only_until(replace(plan, steps=tuple(steps)), last).steps)


def _why(results: dict[str, Result]) -> str:
    """What stopped a variant: the step, and its error."""
    return next((f"{name}: {result.error.message}" for name, result in results.items() if result.error), "not built")
