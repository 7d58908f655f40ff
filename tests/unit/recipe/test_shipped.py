"""The recipes that ship: short, known without a network, and plans for every toolchain."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from recipebuild.plan.plan import plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.recipe.load import load
from recipebuild.resources import shipped, template_sources
from recipebuild.toolkit.models.families import config_for

RECIPES = sorted(path.stem for path in shipped("recipes").glob("*.yaml") if "quickstart" not in path.stem)
TOOLCHAINS = [
    ResolvedToolchain("onnxruntime", "1.0"),
    ResolvedToolchain("pulsar2", "7.0", {"runner": "native", "image": None}),
]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_few_lines_on_a_base_and_plans(name: str) -> None:
    lines = (shipped("recipes") / f"{name}.yaml").read_text().splitlines()
    assert name == "b0-cityscapes" or len(lines) <= 10
    (variant,) = load(name, cwd=Path.cwd())
    for toolchain in TOOLCHAINS:
        for step in plan([variant], [toolchain], template_sources([shipped("templates")])).steps:
            importlib.import_module(step.module).Params.model_validate(dict(step.params))


@pytest.mark.parametrize("name", RECIPES)
def test_its_architecture_is_known_without_a_network_and_fits_its_size(name: str) -> None:
    (variant,) = load(name, cwd=Path.cwd())
    config = config_for(variant.recipe.model.source)
    assert config is not None
    if variant.recipe.image is None:
        return
    _, _, height, width = variant.recipe.image.shape
    patch = config.get("patch_size", 1) if config["model_type"].startswith("dinov2") else 1
    assert height % patch == width % patch == 0


def test_all_public_segformers_are_there() -> None:
    sources = {load(name, cwd=Path.cwd())[0].recipe.model.source for name in RECIPES}
    ade = {f"nvidia/segformer-b{b}-finetuned-ade-{s}-{s}" for b, s in zip(range(6), [512] * 5 + [640], strict=True)}
    b0 = {f"nvidia/segformer-b0-finetuned-cityscapes-{s}" for s in ("512-1024", "640-1280", "768-768", "1024-1024")}
    rest = {f"nvidia/segformer-b{b}-finetuned-cityscapes-1024-1024" for b in range(1, 6)}
    assert ade | b0 | rest <= sources
