"""Projects to run the command in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.project import RECIPE, Project
from support.shared import shared_folder


@pytest.fixture(scope="session")
def make_project(
    tiny_segformer: Path, new_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Project]:
    """Makes new projects, each with a store without results: for tests of what it takes to build them."""
    pattern = shared_folder(tmp_path_factory, "pattern", lambda folder: _fill(folder, tiny_segformer, new_cache))
    return lambda: _copy(pattern, tmp_path_factory)


@pytest.fixture(scope="session")
def make_built_project(
    make_project: Callable[[], Project], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Project]:
    """Makes copies of a project that was built once, each with a store of its own that holds all of its results."""

    def build(folder: Path) -> None:
        project = make_project()
        project.command("run", project.recipe)
        project.folder.rename(folder / "p")

    pattern = shared_folder(tmp_path_factory, "built", build) / "p"
    return lambda: _copy(pattern, tmp_path_factory)


@pytest.fixture(scope="module")
def built_project(make_built_project: Callable[[], Project]) -> Project:
    """A project that was built once; tests of one file share it, and leave the recipe as it was."""
    return make_built_project()


@pytest.fixture
def recipe_text(built_project: Project) -> Iterator[str]:
    """The shared project's recipe, put back afterwards."""
    text = built_project.recipe.read_text()
    yield text
    built_project.recipe.write_text(text)


def _fill(folder: Path, model: Path, cache: Path) -> None:
    """Make a user's folder: a recipe, the model, images, some of them with labels."""
    import numpy as np
    from PIL import Image

    recipes = folder / "recipes"
    for name in ("images", "labelled/images", "labelled/labels"):
        (recipes / name).mkdir(parents=True)
    shutil.copytree(model, recipes / "model")
    rng = np.random.default_rng(0)
    for i in range(6):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 8, 3), dtype=np.uint8))
        picture = coarse.resize((128, 64), Image.Resampling.BICUBIC)
        picture.save(recipes / "images" / f"street-{i}.jpg", quality=92)
        if i < 2:
            picture.save(recipes / "labelled" / "images" / f"{i}.png")
            labels = rng.integers(0, 19, (4, 8), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
            Image.fromarray(labels).save(recipes / "labelled" / "labels" / f"{i}.png")
    (recipes / "tiny.yaml").write_text(RECIPE)
    shutil.copytree(cache, folder / "home" / ".cache")


def _copy(pattern: Path, factory: pytest.TempPathFactory) -> Project:
    folder = factory.mktemp("project") / "p"
    shutil.copytree(pattern, folder)
    return Project(folder)
