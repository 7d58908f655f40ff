"""The whole program in one screen: recipe -> plan -> engine -> build folder and manifest.

The command line calls ``run``, and so may anyone: ``import recipebuild; recipebuild.run("recipes/x.yaml")``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.engine.events import OnEvent
from recipebuild.engine.keys import installed_version
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.errors import MissingError, RecipebuildError
from recipebuild.folder import fill, make_folder
from recipebuild.prepare import Options, open_store, prepare


@dataclass(frozen=True)
class Build:
    """What became of one recipe.

    Attributes:
        folder: Its build folder.
        manifest: What is in there, as in ``manifest.json``.
        error: Why it failed, if it did: the first failed step's error.
    """

    folder: Path
    manifest: Mapping[str, Any]
    error: RecipebuildError | None = None


_DEFAULTS = Options()


def run(
    recipes: str | Sequence[str], options: Options = _DEFAULTS, on_event: OnEvent = lambda event: None
) -> list[Build]:
    """Build recipes; what is in the store already is not built again.

    Args:
        recipes: Paths of recipes, or names of shipped ones; one or several.
        options: How to build.
        on_event: Called with each event of each step.

    Returns:
        What became of each recipe, in their order. A failed step is told there, not raised.

    Raises:
        RecipeError: If a recipe or an option is wrong; nothing is built then.
        MissingError: If the packages that build are not installed.
    """
    jobs = prepare([recipes] if isinstance(recipes, str) else recipes, options)
    store = open_store(options)
    folders = [make_folder(options.build_dir / job.plan.name) for job in jobs]
    steps = [step for job in jobs for step in job.plan.steps]
    _require_packages(steps)
    count = options.jobs or default_jobs()
    try:
        results = run_steps(
            steps, store, jobs=count, keep_going=options.keep_going, slots=options.slots, on_event=on_event
        )
        manifests = [fill(job, results, folder, store) for job, folder in zip(jobs, folders, strict=True)]
    finally:
        store.close()
    errors = [[e for step in job.plan.steps if (e := results[step.id].error)] for job in jobs]
    return [Build(f, m, e[0] if e else None) for f, m, e in zip(folders, manifests, errors, strict=True)]


def default_jobs() -> int:
    """As many steps at once as there are cores, and 4 GiB of free memory for each; at least one."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    return max(1, min(len(os.sched_getaffinity(0)), free // (4 << 30)))


def _require_packages(steps: Iterable[Step]) -> None:
    missing = sorted({tool for step in steps for tool in step.tools if not installed_version(tool)})
    if missing:
        raise MissingError(
            f"building needs Python packages that are not installed: {', '.join(missing)}",
            remedy="pip install 'recipebuild[build]'",
        )
