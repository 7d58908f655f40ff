"""The build folder: the store's files under names for people, and a manifest that lists exactly what is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recipebuild.engine.materialize import materialize
from recipebuild.engine.record import Blob
from recipebuild.engine.roots import add_root
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result
from recipebuild.errors import Interrupted, RecipeError, disk_full
from recipebuild.plan.plan import Plan
from recipebuild.report.page.written import REPORT, report_name, write_report
from recipebuild.results import manifest as manifests
from recipebuild.results.accepted import compare, digest_of, facts
from recipebuild.results.config_sources import config_sources
from recipebuild.session import Job

COMPLETE = "complete.json"
"""The manifest of the last complete build, as long as that of a later run says that it did not finish."""

ASIDE = "partial"
"""The folder for what a run that did not finish made, where an earlier build is complete."""


def make_folder(folder: Path) -> Path:
    """Make the build folder, and make sure before hours of work that it can be written.

    Raises:
        RecipeError: If it cannot.
        StepError: If the disk is full.
    """
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise disk_full(error, folder) or RecipeError(
            f"the build folder {folder} cannot be written: {error.strerror}", remedy="use another with --build-dir DIR"
        ) from error
    return folder


def fill(
    job: Job,
    results: Mapping[str, Result],
    folder: Path,
    store: Store,
    accepted: Mapping[str, Any],
    made: Callable[[], Mapping[str, str]],
) -> tuple[dict[str, Any], str]:
    """Make the build folder hold what its manifest lists, and nothing else of ours.

    A run that did not finish leaves the last complete build as it was: what it made anew lies under ``partial/``. The
    manifest lists the report only once that is there.

    Args:
        job: The recipe.
        results: How its steps ended.
        folder: The build folder.
        store: Where the outputs are.
        accepted: The figures that were accepted, by the matrix entry's label.
        made: Says how this run makes the build; asked only if it built anything.

    Returns:
        The manifest, and why there is no new report; empty if all is well.

    Raises:
        StepError: If the disk is full.
        OSError: If the folder cannot be written.
    """
    store.stats.read_ahead(folder)
    before = manifests.read(folder / "manifest.json")
    complete = before if before.get("status") == "ok" else manifests.read(folder / COMPLETE)
    value = manifests.manifest(job.plan, results, digest_of(job), job.toolchains, job.notes, job.ignore)
    cached = all(entry["status"] == "cached" for entry in value["steps"])
    value["made"] = before["made"] if cached and "made" in before else dict(made())
    for entry in value["steps"]:
        if (config := _config(results[entry["id"]])) and (
            sources := config_sources(job, results[entry["id"]].step, config, store)
        ):
            entry["origins"] = sources
    try:
        if value["status"] != "ok" and complete:
            trouble = _fill_beside(complete, before, value, job.plan, results, folder, store)
        else:
            old = {*before.get("files", ()), *complete.get("files", ()), *([] if before is complete else [COMPLETE])}
            value, trouble = _fill(before, old, value, job, results, folder, store, accepted)
    except OSError as error:
        raise disk_full(error, folder) or error from error
    _note_root(store, folder / "manifest.json", value)
    return value, trouble


def _fill(
    before: Mapping[str, Any],
    old: set[str],
    value: dict[str, Any],
    job: Job,
    results: Mapping[str, Result],
    folder: Path,
    store: Store,
    accepted: Mapping[str, Any],
) -> tuple[dict[str, Any], str]:
    """Put this run's files in the place of the ``old`` ones, and draw the report."""
    place = folder.absolute()  # once: it is asked for as many files as the build has
    written = {path for step in job.plan.steps for path in _place(job.plan, results[step.id], place, store)}
    _remove_stale(folder, old - {*written, REPORT})
    value["files"] = sorted(written)
    if accepted and value["status"] == "ok":
        here = facts(job, value, folder)
        value["verdict"] = {
            label: compare(figures, here[label], job.variants[label].recipe.accept.max_regression)
            for label, figures in accepted.items()
            if label in here
        }
    with_report = {**value, "files": sorted({*written, REPORT})}
    if with_report != before:
        manifests.write(folder / "manifest.json", value)  # drawing takes seconds, in which much can happen
    trouble = ""
    interrupted = _interrupted(value)
    if not interrupted:
        trouble = _make_report(with_report, folder)
    if interrupted or trouble:
        _remove_stale(folder, old - written)
    else:
        value = with_report
        if value != before:
            manifests.write(folder / "manifest.json", value)
    return value, trouble


def _fill_beside(
    complete: Mapping[str, Any],
    before: Mapping[str, Any],
    value: dict[str, Any],
    plan_: Plan,
    results: Mapping[str, Result],
    folder: Path,
    store: Store,
) -> str:
    """Leave the files of the complete build; put what this run made anew under ``partial/``.

    Returns:
        Why there is no report; empty if all is well.
    """
    if before is complete:
        manifests.write(folder / COMPLETE, complete)
    there = {(output["path"], output["sha256"]) for entry in complete.get("steps", ()) for output in entry["outputs"]}
    written: list[str] = []
    for entry in value["steps"]:
        made = {(output["path"], output["sha256"]) for output in entry["outputs"]}
        aside = "" if made and made <= there else f"{ASIDE}/"
        written += _place(plan_, results[entry["id"]], folder, store, aside)
        for output in entry["outputs"]:
            output["path"] = aside + output["path"]
        if "log" in entry:
            entry["log"] = aside + entry["log"]
    value["complete"] = COMPLETE
    if any(path.startswith(f"{ASIDE}/") for path in written):
        value["notes"].append(f"note: RB605 the last complete build is kept; what this run made is in {folder / ASIDE}")
    files = {*written, *complete.get("files", ()), COMPLETE}
    value["files"] = sorted({*files, report_name(value)})
    trouble = "" if _interrupted(value) else _make_report(value, folder)
    if not (folder / report_name(value)).is_file():
        value["files"] = sorted(files)
    _remove_stale(folder, {*before.get("files", ())}.difference(value["files"]))
    manifests.write(folder / "manifest.json", value)
    _note_root(store, folder / COMPLETE, complete)
    return trouble


def _interrupted(manifest: Mapping[str, Any]) -> bool:
    """Whether the user stopped the run: drawing a report would keep the user waiting."""
    return any(e.get("error", {}).get("exit_code") == Interrupted.exit_code for e in manifest["steps"])


def last_keys(folder: Path) -> dict[str, str]:
    """The keys of the last build in a folder, by the steps' ids; what its last run did not reach has the one before."""
    return {**manifests.keys(folder / COMPLETE), **manifests.keys(folder / "manifest.json")}


def _note_root(store: Store, path: Path, manifest: Mapping[str, Any]) -> None:
    """Let the collector know that what a manifest names is needed."""
    add_root(store, path.absolute(), [step["key"] for step in manifest.get("steps", ()) if step["key"]])


def _make_report(manifest: Mapping[str, Any], folder: Path) -> str:
    """Make the report; say what went wrong, as that is no reason to lose hours of work."""
    try:
        write_report(manifest, folder)
    except Exception as error:  # whatever it is, the build is done
        return f"warning: RB603 {folder / REPORT} could not be made: {type(error).__name__}: {error}"
    return ""


def _config(result: Result) -> Blob | None:
    """The configuration that a step wrote."""
    outputs = result.record.outputs if result.record and result.step.name == "configure" else ()
    return next((blob for blob in outputs if blob.name == "pulsar2.json"), None)


def _place(plan_: Plan, result: Result, folder: Path, store: Store, aside: str = "") -> list[str]:
    """Put a step's outputs and its log into the build folder, in the folder ``aside`` of it; give their paths in it."""
    written = []
    for place in (aside + place for place in manifests.places_of(plan_, result.step.id)):
        log = place + manifests.log_of(result.step.name)
        if result.record:
            for blob in result.record.outputs:
                written.append(place + manifests.path_of(result.step.name, blob.name))
                materialize(store, blob, f"{folder}/{written[-1]}")
            materialize(store, result.record.log, f"{folder}/{log}")
            written.append(log)
        elif result.log and result.log.exists():
            (folder / log).parent.mkdir(parents=True, exist_ok=True)
            (folder / log).unlink(missing_ok=True)
            (folder / log).write_bytes(result.log.read_bytes())
            written.append(log)
    return written


def _remove_stale(folder: Path, names: set[str]) -> None:
    """Remove files that an earlier manifest lists, and the folders that are then empty."""
    for name in names:
        path = folder / name
        # The manifest may come from a stranger, and a folder in the place of a file is none of ours.
        if folder.resolve() in path.resolve().parents and not path.is_dir():
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                for parent in Path(name).parents[:-1]:
                    (folder / parent).rmdir()
