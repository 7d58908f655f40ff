"""What other packages add to the families of models, made part of the keys of the steps that load models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from recipebuild.engine.step import Output, Step
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.plan import Plan

_MODULES = {kind.module for kind in KINDS.values() if kind.families}


def with_families(plan: Plan, declared: Mapping[str, Sequence[str]]) -> Plan:
    """The plan, with the code and the versions of packages that add families among what its steps depend on.

    Which of them a model needs shows only when all have been loaded, so each counts for every step that loads a model;
    and for the bundle, whose provenance lists what the steps before it used.

    Args:
        plan: The plan.
        declared: The modules that declare families, by the distribution's name.
    """
    return replace(plan, steps=tuple(_with(step, declared) for step in plan.steps)) if declared else plan


def _with(step: Step, declared: Mapping[str, Sequence[str]]) -> Step:
    if step.name == "bundle" and _reads_model(step):
        tools = tuple(sorted({*step.tools, *declared}))
        return replace(step, tools=tools, params={**step.params, "tools": list(tools)})
    if step.module in _MODULES and (_reads_model(step) or _makes_config(step)):
        extensions = tuple(chain.from_iterable(declared.values()))
        return replace(step, tools=(*step.tools, *declared), extensions=extensions)
    return step


def _reads_model(step: Step) -> bool:
    """Whether it reads the folder of a model; an ONNX file is a model that no family plays a part in."""
    return any(isinstance(source, Output) and source.name == "model" for source in step.inputs.values())


def _makes_config(step: Step) -> bool:
    """Whether it is a fetch that takes a model's architecture from a family, and nothing from elsewhere."""
    return step.name == "fetch" and step.params["weights"] == "random" and step.params["hub_id"] is not None
