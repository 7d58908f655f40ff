"""Recipe -> plan: the list of steps that builds it. Pure: nothing is read, nothing is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recipebuild.engine.step import Output, Step
from recipebuild.errors import RecipeError
from recipebuild.plan.steps import ResolvedToolchain, steps_of
from recipebuild.recipe.load import Variant


@dataclass(frozen=True)
class Plan:
    """The steps of one recipe.

    Attributes:
        name: The recipe's name.
        steps: In an order in which each comes after those it needs.
        variants: For each entry of the matrix (``""`` without one), by label, the ids of its steps.
        whole: Whether these are all steps of the recipe.
    """

    name: str
    steps: tuple[Step, ...]
    variants: Mapping[str, tuple[str, ...]]
    whole: bool = True


def plan(
    variants: Sequence[Variant], toolchains: Sequence[ResolvedToolchain], templates: Mapping[str, Mapping[str, Path]]
) -> Plan:
    """The plan of a recipe: of all entries of its matrix, with the steps that they share only once.

    Args:
        variants: The recipe's entries, at least one, all of one name.
        toolchains: For each entry, what its toolchain was resolved to.
        templates: For ``pulsar2`` and ``bundle``, what is rendered there: paths by the names of the step's inputs.
    """
    name = variants[0].recipe.name
    if len(variants) == 1:
        steps = tuple(steps_of(variants[0].recipe, variants[0].label, toolchains[0], templates))
        return Plan(name, steps, {variants[0].label: tuple(step.id for step in steps)})
    shared: dict[str, Step] = {}
    members: dict[str, tuple[str, ...]] = {}
    for variant, toolchain in zip(variants, toolchains, strict=True):
        new_ids: dict[str, str] = {}
        for step in steps_of(variant.recipe, variant.label, toolchain, templates):
            moved = _rename(step, new_ids)
            twin = next((other.id for other in shared.values() if _same(other, moved)), step.id)
            new_ids[step.id] = twin
            shared.setdefault(twin, moved)
        members[variant.label] = tuple(new_ids.values())
    return _name_shared(Plan(name, tuple(shared.values()), members))


def only_until(plan: Plan, last: str) -> Plan:
    """The plan up to the steps named ``last``: they and what they need.

    Raises:
        RecipeError: If the plan has no such step.
    """
    by_id = {step.id: step for step in plan.steps}
    waiting = [step.id for step in plan.steps if step.name == last]
    if not waiting:
        names = ", ".join(dict.fromkeys(step.name for step in plan.steps))
        raise RecipeError(f"--until {last}: the recipe has no such step", remedy=f"its steps are {names}")
    needed: set[str] = set()
    while waiting:
        step = by_id[waiting.pop()]
        if step.id not in needed:
            needed.add(step.id)
            waiting += step.before
    return Plan(
        plan.name,
        tuple(step for step in plan.steps if step.id in needed),
        {label: tuple(i for i in ids if i in needed) for label, ids in plan.variants.items()},
        whole=len(needed) == len(plan.steps),
    )


def _name_shared(plan: Plan) -> Plan:
    """The plan with steps that serve all entries named without an entry."""
    everywhere = set.intersection(*(set(ids) for ids in plan.variants.values()))
    new_ids = {s.id: f"{plan.name}/{s.name}" if s.id in everywhere else s.id for s in plan.steps}
    steps = (_rename(s, new_ids) for s in plan.steps)
    named = tuple(replace(s, id=new_ids[s.id], variant="" if s.id in everywhere else s.variant) for s in steps)
    return Plan(plan.name, named, {label: tuple(new_ids[i] for i in ids) for label, ids in plan.variants.items()})


def _same(one: Step, other: Step) -> bool:
    return one.name == other.name and replace(one, id="", variant="") == replace(other, id="", variant="")


def _rename(step: Step, new_ids: Mapping[str, str]) -> Step:
    """``step`` with the ids of the steps that it needs replaced."""
    inputs = {
        name: replace(source, step=new_ids.get(source.step, source.step)) if isinstance(source, Output) else source
        for name, source in step.inputs.items()
    }
    return replace(step, inputs=inputs, after=tuple(new_ids.get(i, i) for i in step.after))
