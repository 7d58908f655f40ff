"""docs/manifest.md names all that a manifest has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.documented import ROOT
from support.formats import follows
from support.project import Project

from recipebuild.facts.metrics import METRICS, ROWS
from recipebuild.plan.kinds import KINDS
from recipebuild.results.manifest import FIGURES

TEXT = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")


def names_under(heading: str) -> set[str]:
    """The names in backticks in a section of the page."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return set(re.findall(r"`([\w*<>]+)`", section))


def figures_of_steps() -> dict[str, set[str]]:
    section = TEXT.partition("\n## Figures of steps\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", section, re.M)
    return {step: set(re.findall(r"`(\w+)`", row)) | {"warnings"} for step, row in rows}


def of_the_build() -> set[str]:
    accuracy = {f"{metric}_{row}" for metric in METRICS for row in ROWS}
    return names_under("Figures of the build") | accuracy


def unnamed(manifest: dict[str, Any]) -> Iterator[str]:
    """What the manifest has and the page does not name."""
    yield from set(manifest) - names_under("At the top")
    yield from {f"environment.{key}" for key in set(manifest["environment"]) - names_under("At the top")}
    yield from {f"metrics.{key}" for key in set(manifest["metrics"]) - of_the_build()}
    steps, figures, step = figures_of_steps(), of_the_build(), names_under("A step")
    for entry in manifest["steps"]:
        yield from {f"{entry['name']}.{key}" for key in set(entry) - step}
        yield from {f"output.{key}" for output in entry["outputs"] for key in set(output) - step}
        yield from {f"error.{key}" for key in set(entry.get("error", ())) - step}
        known = steps[entry["name"]] | (figures if entry["name"] in ("evaluate", "deploy") else set())
        yield from {f"{entry['name']}.metrics.{key}" for key in set(entry["metrics"]) - known}


def test_every_figure_of_a_build_is_named() -> None:
    assert {figure for figure in FIGURES if not figure.endswith("_board")} <= of_the_build()


def test_every_step_has_its_row() -> None:
    assert {name.partition("/")[0] for name in KINDS} == set(figures_of_steps())


@pytest.mark.slow
def test_the_page_names_all_that_is_in_a_manifest(built_project: Project) -> None:
    assert list(unnamed(built_project.manifest())) == []
    follows("manifest", built_project.build / "manifest.json")


@pytest.mark.slow
def test_the_page_names_all_that_is_in_the_manifest_of_a_failure(built_project: Project, recipe_text: str) -> None:
    built_project.recipe.write_text(recipe_text + "quantization: {layers: [{module: nowhere.*, dtype: U16}]}\n")
    built_project.command("run", built_project.recipe, code=3)
    manifest = built_project.manifest()
    assert manifest["status"] == "failed"
    assert any("error" in entry for entry in manifest["steps"])
    follows("manifest", built_project.build / "manifest.json")
    assert list(unnamed(manifest)) == []


def test_what_the_page_does_not_name_is_found() -> None:
    manifest = json.loads('{"recipe": "x", "colour": 1, "environment": {}, "metrics": {}, "steps": []}')
    assert list(unnamed(manifest)) == ["colour"]
