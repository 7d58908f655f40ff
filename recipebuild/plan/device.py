"""The steps that run ONNX models for evidence, put on a GPU; all others, and all without one, stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from recipebuild.engine.step import Step
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.plan import Plan

ONNXRUNTIME = "onnxruntime"
GPU = "gpu"
"""The resource that such a step holds: one at a time, as each takes what memory it needs."""

_PLACES = {(name.partition("/")[0], kind.module) for name, kind in KINDS.items() if kind.device}


def with_device(plan: Plan, device: str, facts: Mapping[str, str]) -> Plan:
    """The plan, with its evidence measured on a GPU.

    Args:
        plan: The plan.
        device: ``cpu``, which changes nothing, or ``cuda:N``. It is part of the keys, so figures of one device never
            stand for those of another.
        facts: What else of the GPU figures may depend on, for the keys.
    """
    if device == "cpu":
        return plan
    return replace(plan, steps=tuple(_on(step, device, facts) for step in plan.steps))


def with_runtime(plan: Plan, distribution: str) -> Plan:
    """The plan, where ONNX Runtime comes from another distribution, such as ``onnxruntime-gpu``."""
    if distribution == ONNXRUNTIME:
        return plan
    return replace(plan, steps=tuple(_with(step, distribution) for step in plan.steps))


def _with(step: Step, distribution: str) -> Step:
    def there(tools: Iterable[str]) -> list[str]:
        return [distribution if tool == ONNXRUNTIME else tool for tool in tools]

    listed = {"tools": there(step.params["tools"])} if "tools" in step.params else {}  # in the bundle's provenance
    return replace(step, tools=tuple(there(step.tools)), params={**step.params, **listed})


def _on(step: Step, device: str, facts: Mapping[str, str]) -> Step:
    if (step.name, step.module) not in _PLACES:
        return step
    return replace(
        step,
        params={**step.params, "device": device},
        facts={**step.facts, **facts},
        resources=(*step.resources, GPU),
    )
