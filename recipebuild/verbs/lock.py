"""The lock file of a recipe, ``<name>.lock`` beside it: what the recipe came to on the day that it was written.

It holds the model's revision and the digests of its files, the digest of the calibration set, the toolchain, and the
versions of the Python distributions that the result depends on. ``run --locked`` builds only if all that is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipebuild.engine.events import OnEvent
from recipebuild.engine.installed import installed_version
from recipebuild.engine.task import Result
from recipebuild.errors import CheckError, Interrupted, RecipeError
from recipebuild.figures.fetched import Fetched
from recipebuild.figures.values import read_figures
from recipebuild.recipe.find import find
from recipebuild.session import DEFAULTS, Job, Options, RecipeName, Session, listed, prepare

__all__ = ["Options", "check_locked", "lock"]

_LOCKED = ("fetch", "calibrate", "samples", "tensors")
"""The steps that bring something from outside into the build."""

_VERSION = 1


def lock(
    recipes: RecipeName | Sequence[RecipeName], options: Options = DEFAULTS, on_event: OnEvent = lambda event: None
) -> list[Path]:
    """Write the lock files of recipes: fetch their models and draw their calibration sets, if that is still to do.

    Returns:
        The files, in the order of the recipes.

    Raises:
        RecipeError: If a recipe is wrong, or its folder cannot be written.
        RecipebuildError: If a model cannot be fetched or a calibration set not be drawn, as in a run.
    """
    recipes = listed(recipes)
    jobs = prepare(recipes, replace(options, until=None))
    values = [facts(job, options, on_event) for job in jobs]
    paths = [_path(recipe, job) for recipe, job in zip(recipes, jobs, strict=True)]
    for path, value in zip(paths, values, strict=True):
        try:
            path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise RecipeError(
                f"{path} cannot be written: {error.strerror}", remedy="copy the recipe into your own folder"
            ) from error
    return paths


def check_locked(recipes: Sequence[str], options: Options, on_event: OnEvent) -> None:
    """Find that recipes come to what their lock files say.

    Raises:
        RecipeError: If a recipe has no lock file, or one that cannot be read.
        CheckError: If anything differs; the remedy names all of it.
    """
    for recipe, job in zip(recipes, prepare(recipes, replace(options, until=None)), strict=True):
        path = _path(recipe, job)
        different = list(_differences(_read(path, recipe), facts(job, options, on_event)))
        if different:
            again = f"if that is meant: recipebuild lock {recipe}"
            raise CheckError(f"{job.plan.name} is not what {path} says", remedy="\n".join([*different, again]))


def facts(job: Job, options: Options, on_event: OnEvent) -> dict[str, Any]:
    """What a recipe comes to here and now, as the lock file has it."""
    steps = [step for step in job.plan.steps if step.name in _LOCKED]
    with Session(replace(options, executor="local"), steps) as session:
        results = session.run(on_event)
    for result in results.values():
        if result.error:
            raise result.error
    return {
        "version": _VERSION,
        "recipe": job.plan.name,
        "inputs": {f"{r.step.name} {r.step.variant}".strip(): _outcome(r) for r in results.values()},
        "toolchain": {
            label or "all": {"name": toolchain.name, "version": toolchain.version, **toolchain.facts}
            for label, toolchain in job.toolchains.items()
        },
        "distributions": {t: installed_version(t) for t in sorted({t for s in job.plan.steps for t in s.tools})},
    }


def _outcome(result: Result) -> dict[str, Any]:
    record = result.record
    if record is None:
        raise Interrupted("interrupted")
    fetched = read_figures(Fetched, record.metrics) if result.step.name == "fetch" else None
    revision = {"revision": fetched.commit} if fetched and fetched.commit else {}
    return {**revision, "files": {blob.name: blob.sha256 for blob in record.outputs}}


def _path(recipe: str, job: Job) -> Path:
    return find(recipe, Path.cwd()).with_name(f"{job.plan.name}.lock")


def _read(path: Path, recipe: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"--locked: there is no {path}", remedy=f"recipebuild lock {recipe}") from None
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path} is not a lock file: {error}", remedy=f"recipebuild lock {recipe}") from None
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        raise RecipeError(f"{path} is not a lock file of this version", remedy=f"recipebuild lock {recipe}")
    return value


def _differences(locked: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    old, new = dict(_flat(locked)), dict(_flat(here))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name, 'not there')} in the lock file, {new.get(name, 'not there')} here"


def _flat(value: dict[str, Any], *outer: str) -> Iterator[tuple[str, object]]:
    for key, each in value.items():
        if isinstance(each, dict):
            yield from _flat(each, *outer, key)
        else:
            yield " ".join((*outer, key)), each
