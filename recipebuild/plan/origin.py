"""Which field of the recipe a step's parameter or input comes from, so that an explanation can name its line."""

from __future__ import annotations

from recipebuild.plan.kinds import KINDS
from recipebuild.recipe.fields import all_fields

_RENAMED = {
    "params.hub_id": "model.source",
    "params.input_name": "input.name",
    "params.output_name": "export.output",
    "params.shape": "input.shape",
    "params.pattern": "calibration.source",
    "params.class_axis": "head.axis",
    "params.target": "target.hardware",
    "params.gpus": "quantization.device",
    "params.runner": "target.toolchain",
    "params.image": "target.toolchain",
    "facts.pulsar2": "target.toolchain",
    "facts.image": "target.toolchain",
    "params.labels": "evaluate.labels",
    "inputs.dataset": "evaluate.dataset",
}
"""What a step calls by another name than the recipe does."""

_SECTIONS = {
    "params.compiled.": "input",
    "params.original.": "input",
    "params.dataset.": "evaluate",
    "params.weights.": "model",
    "params.compiler.": "compiler",
    "params.more.": "more_inputs",
    "inputs.more_": "more_inputs",
    "params.overrides.": "pulsar2.overrides",
    "params.quant.": "quantization",
    "params.runtime.": "target.runtime_input",
    "params.switches.": "rewrite",
}
"""Sections that a step knows by another name, in part in Pulsar2's words."""


def recipe_field(step: str, where: str) -> str | None:
    """The recipe's field behind an ingredient of a step's key; ``None`` if no field decides it.

    Args:
        step: The step's plain name, such as ``calibrate``.
        where: Which ingredient: ``params.count``, ``inputs.source``, ``params.input.mean``.
    """
    if where in _RENAMED:
        return _RENAMED[where]
    for prefix, section in _SECTIONS.items():
        if where.startswith(prefix):
            return next(field for field in (f"{section}.{where.removeprefix(prefix)}", section) if _known(field))
    kind, _, name = where.partition(".")
    sections = {s for key, it in KINDS.items() if key.partition("/")[0] == step for s in it.sections}
    candidates = [f"{section}.{name}" for section in sorted(sections)] if kind in ("params", "inputs") else []
    if kind == "params":
        candidates.insert(0, name)
    return next(filter(_known, candidates), None)


def _known(field: str) -> bool:
    return tuple(field.split(".")) in all_fields()
