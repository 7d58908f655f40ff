"""``run``, ``plan`` and ``explain``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say, say_error
from recipebuild.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from recipebuild.verbs.run import Build, Options

    Manifest = Mapping[str, Any]


def run(
    recipes: opt.Recipes,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    store: opt.Store = None,
    build_dir: opt.BuildDir = Path("build"),
    templates: opt.Templates = None,
    until: opt.Until = None,
    jobs: opt.Jobs = None,
    slots: opt.Slots = None,
    device: opt.Device = None,
    timeout: opt.Timeout = None,
    executor: opt.Executor = "local",
    keep_going: opt.KeepGoing = False,
    locked: opt.Locked = False,
    fail_on_regression: opt.FailOnRegression = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
    as_json: opt.Json = False,
) -> None:
    """Build recipes. Runs only the steps whose inputs changed and writes build/<name>/.

    Example: recipebuild run quickstart

    Example: recipebuild run recipes/b0-cityscapes.yaml --weights random

    Example: recipebuild run mine/*.yaml --set calibration.count=64 --keep-going
    """
    from recipebuild.verbs.run import Options

    options = Options(
        sets=opt.merged_sets(sets, weights, toolchain), store=store, build_dir=build_dir, templates=templates,
        jobs=jobs, executor=executor, slots=opt.slots_of(slots), device=device,
        timeout=opt.seconds_of("--timeout", timeout) if timeout else None,
        keep_going=keep_going, until=until, locked=locked, fail_on_regression=fail_on_regression,
    )  # fmt: skip
    build_and_tell(recipes, options, as_json, quiet=quiet, verbose=verbose)


def build_and_tell(
    recipes: list[str],
    options: Options,
    as_json: bool,
    after: Callable[[Manifest], None] = lambda manifest: None,
    *,
    quiet: bool = False,
    verbose: bool = False,
) -> NoReturn:
    """Build, print what became of it, do something ``after`` that with each manifest, and leave with the exit code."""
    from recipebuild.cli.live import display
    from recipebuild.verbs.run import comparison, last_seconds, run, summary

    began = time.monotonic()
    with display(quiet=quiet, verbose=verbose, seconds=lambda: last_seconds(options)) as shown:
        builds = run(recipes, options, shown, shown.plan)
    if as_json:
        print_json([build.manifest for build in builds])
    elif not quiet:
        seconds = time.monotonic() - began if len(builds) == 1 else None
        for build in builds:
            text = summary(build.manifest, build.folder, build.warnings, seconds=seconds, tables=verbose)
            typer.echo(text, nl=False)
        typer.echo(comparison([build.manifest for build in builds]), nl=False)
    for build in builds:
        if build.trouble:
            say(build.trouble)
        after(build.manifest)
        if build.error:
            _tell_failure(build)
    raise typer.Exit(max((build.error.exit_code for build in builds if build.error), default=0))


def _tell_failure(build: Build) -> None:
    """Which step failed, why, what to do, where its log is."""
    assert build.error is not None  # noqa: S101 - the caller looked
    entry = next((entry for entry in build.manifest["steps"] if "error" in entry), None)
    if entry is None:  # all was built: interrupted after that, or worse than what was accepted
        say_error(build.error, f"{build.manifest['recipe']}: ")
        return
    say_error(build.error, f"{build.manifest['recipe']}: {entry['name']}: ", build.place)
    if not build.error.remedy and build.error.exit_code == StepError.exit_code:
        say("  see the log for details; finished steps are kept, and the same command continues from there")
    if "log" in entry:
        say(f"  log: {build.folder / entry['log']}")
