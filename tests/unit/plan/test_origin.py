from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from recipebuild.plan.origin import recipe_field
from recipebuild.plan.plan import plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.recipe.load import load
from recipebuild.resources import template_sources

ROOT = Path(__file__).resolve().parents[3]
TOOLCHAINS = [
    ResolvedToolchain("onnxruntime", "1"),
    ResolvedToolchain("pulsar2", "7", {"runner": "native", "image": None}),
]


def leaves(params: Mapping[str, Any], prefix: str = "params.") -> Iterator[str]:
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("toolchain", TOOLCHAINS, ids=lambda toolchain: toolchain.name)
@pytest.mark.parametrize("sets", [[], ["target.runtime_input.format=BGR", "calibration.format=Numpy"]])
def test_every_parameter_of_every_step_has_its_field_in_the_recipe(
    toolchain: ResolvedToolchain, sets: list[str]
) -> None:
    variants = load("quickstart", sets=sets, cwd=ROOT)
    for step in plan(variants, [toolchain], template_sources([ROOT / "templates"])).steps:
        if step.name == "bundle":  # it tells of the whole recipe, and of what was resolved
            continue
        for where in leaves(step.params):
            assert recipe_field(step.name, where), f"{step.name}: {where}"


@pytest.mark.parametrize(
    ("step", "where", "field"),
    [
        ("calibrate", "params.count", "calibration.count"),
        ("evaluate", "params.count", "evaluate.count"),
        ("verify", "params.input.mean", "input.mean"),
        ("rewrite", "params.switches.fold_decoder", "rewrite.fold_decoder"),
        ("export", "params.output_name", "export.output"),
        ("calibrate", "inputs.source", "calibration.source"),
        ("fetch", "inputs.source", "model.source"),
        ("configure", "params.quant.layer_configs", "quantization"),
        ("configure", "params.quant.transformer_opt_level", "quantization.transformer_opt_level"),
        ("configure", "params.overrides.npu_mode", "pulsar2.overrides"),
        ("simulate", "params.runtime.format", "target.runtime_input.format"),
        ("judge", "params.max_drop", "evaluate.max_drop"),
        ("judge", "params.strict", "quantization.strict"),
        ("compile", "inputs.model", None),
        ("compile", "tools.onnx", None),
        ("compile", "code", None),
    ],
)
def test_a_name_is_looked_for_in_the_steps_own_sections(step: str, where: str, field: str | None) -> None:
    assert recipe_field(step, where) == field
