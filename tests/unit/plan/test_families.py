"""Packages that add families of models count in keys: a real package, installed in place, on the path."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support import warm

from recipebuild.resources import shipped

PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
from recipebuild.engine.keys import Keys
from recipebuild.engine.statcache import StatCache
from recipebuild.session import Options, prepare

stats = StatCache(Path(sys.argv[1]))
keys = Keys(stats)
steps = prepare(["quickstart"], Options(sets=sys.argv[2:])).pop().plan.steps
print(json.dumps({step.name: keys.ingredients(replace(step, inputs={}), {}) for step in steps}))
stats.flush()
"""
LOADERS = {"export", "verify", "rungs"}
RANDOM = ["model.source=nvidia/mit-b0", "model.weights=random"]

Ingredients = dict[str, dict[str, Any]]


@pytest.fixture
def stats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is remembered of our own modules, from test to test."""
    return tmp_path_factory.getbasetemp() / "families.sqlite"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package ``mine``, installed in place, that declares a family and reaches another module of its own."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "family.py").write_text(
        "from recipebuild import Family\n\n\ndef register():\n    from mine import model\n\n\n"
        'FAMILY = Family("mine", register=register)\n'
    )
    (package / "model.py").write_text("LAYERS = 4\n")
    info = tmp_path / "mine_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[recipebuild.families]\nmine = mine.family:FAMILY\n")
    return package


def ingredients(stats: Path, package: Path | None, *sets: str) -> Ingredients:
    """What each step of the quickstart is made of, as a process says that has the package, or has not."""
    program = stats.with_name("families.py")
    program.write_text(PROGRAM)
    environment = os.environ | ({"PYTHONPATH": str(package.parent)} if package else {})
    process = warm.run([str(stats), *sets], Path.cwd(), environment, program)
    assert process.returncode == 0, process.stderr
    steps: Ingredients = json.loads(process.stdout)
    return steps


def changed(before: Ingredients, after: Ingredients) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_its_code_counts_for_steps_that_load_models_and_for_no_others(stats: Path, package: Path) -> None:
    before = ingredients(stats, package)
    (package / "model.py").write_text("LAYERS = 4  # a comment\n")
    assert not changed(before, ingredients(stats, package))
    (package / "model.py").write_text("LAYERS = 5\n")
    after = ingredients(stats, package)
    assert changed(before, after) == LOADERS
    (package / "__init__.py").write_text("import os\n")
    assert changed(after, ingredients(stats, package)) == LOADERS


def test_its_version_counts_too_and_the_bundle_lists_it(stats: Path, package: Path) -> None:
    before = ingredients(stats, package)
    metadata = package.parent / "mine_package-1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1", "Version: 2"))
    after = ingredients(stats, package)
    assert changed(before, after) == LOADERS | {"bundle"}
    assert after["export"]["tools"]["mine-package"] == "2"
    assert "mine-package" in after["bundle"]["params"]["tools"]


def test_fetch_counts_it_where_a_family_is_all_that_it_takes(stats: Path, package: Path) -> None:
    assert "fetch" not in changed(ingredients(stats, None), ingredients(stats, package))
    assert "fetch" in changed(ingredients(stats, None, *RANDOM), ingredients(stats, package, *RANDOM))


def test_a_recipe_of_an_onnx_file_has_the_same_keys_whatever_is_installed(
    stats: Path, package: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").touch()
    model = [f"model.source={tmp_path / 'model.onnx'}", f"evaluate.dataset={shipped('recipes') / 'quickstart'}"]
    assert not changed(ingredients(stats, None, *model), ingredients(stats, package, *model))


def test_one_without_source_counts_by_its_version(stats: Path, package: Path) -> None:
    for module in package.glob("*.py"):
        module.unlink()
    assert ingredients(stats, package)["export"]["tools"]["mine-package"] == "1"
