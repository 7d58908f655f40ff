"""The whole program in one screen: recipe -> plan -> engine -> build folder and manifest.

The command line calls ``run``, and so may anyone: ``import recipebuild; recipebuild.run("recipes/x.yaml")``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.executors import open_executor
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.task import Result
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import Interrupted, RecipebuildError
from recipebuild.recipe.problems import Place
from recipebuild.report.accuracy import comparison
from recipebuild.report.figures import figure
from recipebuild.report.summary import summary
from recipebuild.results.accepted import read_accepted, regressions
from recipebuild.results.build_folder import fill, make_folder
from recipebuild.results.event_log import EventLog
from recipebuild.session import DEFAULTS, Job, Options, listed, open_remote, open_store, prepare, require_packages
from recipebuild.verbs.lock import check_locked

__all__ = ["Build", "Options", "comparison", "figure", "last_seconds", "run", "summary"]


@dataclass(frozen=True)
class Build:
    """What became of one recipe.

    Attributes:
        folder: Its build folder.
        manifest: What is in there, as in ``manifest.json``.
        error: Why it failed, if it did: the first failed step's error. ``Interrupted`` without a failed step where all
            was built and the run was stopped while it still sent results to a remote store.
        place: Where the recipe says what the failed step's error begins with, as in ``input.shape: ...``; ``None`` if
            it does not say it.
        warnings: What was told by events while it ran; among the manifest's notes, too.
        trouble: Why there is no new ``report.html``; empty if all is well.
    """

    folder: Path
    manifest: Mapping[str, Any]
    error: RecipebuildError | None = None
    place: Place | None = None
    warnings: Sequence[str] = ()
    trouble: str = ""


def run(
    recipes: str | Sequence[str],
    options: Options = DEFAULTS,
    on_event: OnEvent = lambda event: None,
    on_plan: Callable[[Sequence[Step], int, str], None] = lambda steps, jobs, executor: None,
) -> list[Build]:
    """Build recipes; what is in the store already is not built again.

    Args:
        recipes: Paths of recipes, or names of shipped ones; one or several.
        options: How to build.
        on_event: Called with each event of each step.
        on_plan: Called once, before all events, with the steps, how many may run at once, and where they run.

    Returns:
        What became of each recipe, in their order. A failed step is told there, not raised.

    Raises:
        RecipeError: If a recipe or an option is wrong; nothing is built then.
        CheckError: With ``options.locked``, if something is not as in a lock file; nothing more is built then.
        MissingError: If the packages that build are not installed.
    """
    recipes = listed(recipes)
    jobs = prepare(recipes, options)
    accepted = [read_accepted(recipe, job) for recipe, job in zip(recipes, jobs, strict=True)]
    store = open_store(options)
    steps = [step for job in jobs for step in job.plan.steps]
    require_packages(steps)
    remote = open_remote(options)
    resources = {name: options.slots.get(name, 1) for step in steps for name in step.resources}
    jobs_at_once = options.jobs or default_jobs()
    executor = open_executor(options.executor, jobs_at_once, resources, remote)
    folders = [make_folder(options.build_dir / job.plan.name) for job in jobs]
    log = EventLog([(job.plan, folder) for job, folder in zip(jobs, folders, strict=True)])
    on_plan(steps, jobs_at_once, options.executor)
    warned: dict[str, list[str]] = {}

    def hear(event: Event) -> None:
        if event.status == "warning":
            warned.setdefault(event.step.id, []).append(f"warning: {event.text}")
        log.write(event)
        on_event(event)

    transfer = Transfer(store, remote) if remote else None
    store.hold()
    try:
        if options.locked:
            check_locked(recipes, options, store, on_event)
        results = run_steps(
            steps,
            store,
            executor=executor,
            transfer=transfer,
            keep_going=options.keep_going,
            slots=options.slots,
            on_event=hear,
        )
        warnings = [[text for step in job.plan.steps for text in warned.get(step.id, ())] for job in jobs]
        jobs = [replace(job, notes=[*job.notes, *new]) for job, new in zip(jobs, warnings, strict=True)]
        built = zip(jobs, folders, accepted, strict=True)
        filled = [fill(job, results, folder, store, figures) for job, folder, figures in built]
    finally:
        executor.close()
        log.close()
        store.close()
    errors: list[list[RecipebuildError]] = [
        [e for step in job.plan.steps if (e := results[step.id].error)] for job in jobs
    ]
    for job, failures in zip(jobs, errors, strict=True):
        if transfer and {step.id for step in job.plan.steps} & set(transfer.unpushed):
            failures.append(Interrupted("interrupted before all results were in the remote store"))
    if options.fail_on_regression:
        for (manifest, _), failures in zip(filled, errors, strict=True):
            failures.extend(regressions(manifest))
    places = [_place(job, results) for job in jobs]
    parts = zip(folders, filled, errors, places, warnings, strict=True)
    return [
        Build(folder, manifest, e[0] if e else None, place, heard, trouble)
        for folder, (manifest, trouble), e, place, heard in parts
    ]


def last_seconds(options: Options) -> dict[str, float]:
    """How long each step took the last time that it was built here, by its id."""
    seconds: dict[str, float] = {}
    for record in open_store(options).records():  # the last one first
        seconds.setdefault(record.label, record.seconds)
    return seconds


def _place(job: Job, results: Mapping[str, Result]) -> Place | None:
    """Where the recipe says what the first failed step complains about."""
    for step in job.plan.steps:
        if error := results[step.id].error:
            field = error.message.partition(": ")[0]
            return job.place(step, field) or job.place(step, field.rpartition(".")[0])  # a default: its section
    return None


def default_jobs() -> int:
    """As many steps at once as there are cores, and 4 GiB of free memory for each; at least one."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    return max(1, min(len(os.sched_getaffinity(0)), free // (4 << 30)))
