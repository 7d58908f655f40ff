"""The whole program in one screen: recipe -> plan -> engine -> build folder and manifest.

The command line calls ``run``, and so may anyone: ``import recipebuild; recipebuild.run("recipes/x.yaml")``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.step import Step
from recipebuild.engine.task import Result
from recipebuild.errors import Interrupted, RecipebuildError
from recipebuild.recipe.problems import Place
from recipebuild.report.accuracy import comparison
from recipebuild.report.page.written import report_name
from recipebuild.report.summary import key_facts, outcome, summary
from recipebuild.results.accepted import read_accepted, regressions
from recipebuild.results.build_folder import fill, make_folder
from recipebuild.results.event_log import EventLog
from recipebuild.results.made import made
from recipebuild.results.notes import read
from recipebuild.session import DEFAULTS, Job, Options, RecipeName, Session, listed, open_store, prepare
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
        place: Where the recipe says the field that the failed step's error is about, or else its section; ``None`` if
            it says neither, or the error is about no field.
        warnings: What was told by events while it ran, steps' own warnings when they were built; among the manifest's
            notes, too.
        trouble: Why there is no new ``report.html``; empty if all is well.
    """

    folder: Path
    manifest: Mapping[str, Any]
    error: RecipebuildError | None = None
    place: Place | None = None
    warnings: Sequence[str] = ()
    trouble: str = ""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The build's own figures, such as ``miou_quantized``; in a matrix by the entry's label."""
        metrics: Mapping[str, Any] = self.manifest["metrics"]
        return metrics

    @property
    def bundle(self) -> Path | None:
        """The folder that goes to the board; ``None`` if there is none, as of a run that did not get so far."""
        return self._made("bundle")

    @property
    def report(self) -> Path | None:
        """The page to open in a browser; ``None`` if there is none."""
        return self._made(report_name(self.manifest))

    def _made(self, name: str) -> Path | None:
        made = any(file == name or file.startswith(f"{name}/") for file in self.manifest["files"])
        return self.folder / name if made else None

    def __repr__(self) -> str:
        facts = key_facts(self.manifest, self.folder)
        return f"<Build {self.manifest['recipe']}: {outcome(self.manifest)}; {facts.get('accuracy', self.folder)}>"

    def _repr_html_(self) -> str:
        """A card, where a notebook shows the build."""
        from recipebuild.report.card import card

        return card(self.manifest, self.folder)


def run(
    recipes: RecipeName | Sequence[RecipeName],
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
    warned: dict[str, list[str]] = {}
    ignore = {step.id: job.ignore for job in jobs for step in job.plan.steps}
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(options, [step for job in jobs for step in job.plan.steps]))
        folders = [make_folder(options.folder_of(job.plan.name)) for job in jobs]
        log = EventLog([(job.plan, folder) for job, folder in zip(jobs, folders, strict=True)])
        stack.callback(log.close)

        def hear(event: Event) -> None:
            if event.status == "warning":
                warned.setdefault(event.step.id, []).append(f"warning: {event.text}")
            log.write(event)
            if event.status != "warning" or not _is_ignored(event.text, ignore[event.step.id]):
                on_event(event)
            for text in _concerns(event):
                if not _is_ignored(text, ignore[event.step.id]):
                    warned.setdefault(event.step.id, []).append(f"warning: {text}")
                    on_event(Event(event.step, "warning", text=text))

        on_plan(session.steps, session.jobs, options.executor)
        if options.locked:
            check_locked(recipes, options, on_event)
        results = session.run(hear, keep_going=options.keep_going)
        warnings = [[text for step in job.plan.steps for text in warned.get(step.id, ())] for job in jobs]
        jobs = [replace(job, notes=[*job.notes, *new]) for job, new in zip(jobs, warnings, strict=True)]
        built = zip(recipes, jobs, folders, accepted, strict=True)
        filled = [
            fill(job, results, folder, session.store, figures, partial(made, recipe, options))
            for recipe, job, folder, figures in built
        ]
    errors: list[list[RecipebuildError]] = [
        [e for step in job.plan.steps if (e := results[step.id].error)] for job in jobs
    ]
    for job, failures in zip(jobs, errors, strict=True):
        if {step.id for step in job.plan.steps} & set(session.unpushed):
            failures.append(Interrupted("interrupted before all results were in the remote store"))
    if options.fail_on_regression:
        for job, (manifest, _), failures in zip(jobs, filled, errors, strict=True):
            failures.extend(() if failures else regressions(manifest, job.variants))
    places = [_place(job, results) for job in jobs]
    parts = zip(folders, filled, errors, places, warnings, strict=True)
    return [
        Build(folder, manifest, e[0] if e else None, place, warned, trouble)
        for folder, (manifest, trouble), e, place, warned in parts
    ]


def _concerns(event: Event) -> list[str]:
    """What a step that was just built warns of: to be told before hours of compilation, not after."""
    warnings = (event.metrics or {}).get("warnings", ()) if event.status == "built" else ()
    return [f"{event.step.name}: {warning}" for warning in warnings]


def _is_ignored(text: str, ignore: Mapping[str, str]) -> bool:
    note = read(f"warning: {text}", ignore)
    return note is not None and note.level == "ignored"


def figure(entry: Mapping[str, Any]) -> str:
    """What a step came to, in a few words.

    Args:
        entry: Its ``name`` and ``metrics``, as in a manifest.
    """
    from recipebuild.report.figures import figure as in_words  # a run with nothing to do needs none of it

    return in_words(entry)


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
            section = error.field.rpartition(".")[0]  # of a field that has its default
            return job.place(step, error.field) or job.place(step, section)
    return None
