"""``accept``: the figures of a build, kept beside its recipe for later builds to be compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from recipebuild.errors import RecipeError
from recipebuild.formats import VERSIONS
from recipebuild.results import manifest as manifests
from recipebuild.results.accepted import digest_of, facts, path_of
from recipebuild.session import Options, prepare

__all__ = ["Options", "accept"]


def accept(recipes: Sequence[str], options: Options) -> list[Path]:
    """Write the figures of the builds in ``options.build_dir`` beside their recipes.

    Returns:
        The files, in the order of the recipes.

    Raises:
        RecipeError: If a recipe is wrong, was not built, has changed since, or its folder cannot be written.
    """
    paths = []
    for recipe, job in zip(recipes, prepare(recipes, options), strict=True):
        folder = options.folder_of(job.plan.name)
        built = manifests.read(folder / "manifest.json")
        again = f"recipebuild run {recipe}"
        if not built or built.get("status") != "ok":
            raise RecipeError(f"{folder} has no build that succeeded", remedy=f"first {again}")
        if built["recipe_digest"] != digest_of(job):
            raise RecipeError(
                f"{folder} is not what {recipe} says now", remedy=f"{again}; give accept the same --set as the run"
            )
        value = {"version": VERSIONS["accepted"], "recipe": job.plan.name, "builds": facts(job, built, folder)}
        paths.append(path_of(recipe, job))
        try:
            paths[-1].write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise RecipeError(
                f"{paths[-1]} cannot be written: {error.strerror}", remedy="copy the recipe into your own folder"
            ) from error
    return paths
