"""``run``, ``plan`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from recipebuild.cli import completing
from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json, say, say_error
from recipebuild.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from recipebuild.build import Build
    from recipebuild.prepare import Options

    Manifest = Mapping[str, Any]


def run(
    recipes: given.Recipes,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
    build_dir: given.BuildDir = Path("build"),
    templates: given.Templates = None,
    until: given.Until = None,
    jobs: given.Jobs = None,
    slots: given.Slots = None,
    timeout: given.Timeout = None,
    executor: given.Executor = "local",
    keep_going: given.KeepGoing = False,
    locked: given.Locked = False,
    fail_on_regression: given.FailOnRegression = False,
    quiet: given.Quiet = False,
    verbose: given.Verbose = False,
    as_json: given.Json = False,
) -> None:
    """Build recipes: do the steps whose inputs changed, and leave build/<name>/.

    Example: recipebuild run quickstart

    Example: recipebuild run recipes/b0-cityscapes.yaml --weights random

    Example: recipebuild run mine/*.yaml --set calibration.count=64 --keep-going
    """
    from recipebuild.prepare import Options

    options = Options(
        sets=given.merged_sets(sets, weights, toolchain), store=store, build_dir=build_dir, templates=templates,
        jobs=jobs, executor=executor, slots=given.slots_of(slots),
        timeout=given.seconds_of("--timeout", timeout) if timeout else None,
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
    from recipebuild.build import run
    from recipebuild.cli.live import display
    from recipebuild.report.accuracy import comparison
    from recipebuild.report.summary import summary

    with display(quiet=quiet, verbose=verbose, seconds=lambda: _seconds(options)) as shown:
        builds = run(recipes, options, shown, shown.plan)
    if as_json:
        print_json([build.manifest for build in builds])
    elif not quiet:
        for build in builds:
            typer.echo(summary(build.manifest, build.folder, build.warnings), nl=False)
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
    log = build.folder / entry["log"]
    if not build.error.remedy and build.error.exit_code == StepError.exit_code:
        say("  the log tells more; what was built before is kept, and the same command goes on from there")
    if log.is_file():
        say(f"  log: {log}")


def _seconds(options: Options) -> dict[str, float]:
    """How long each step took the last time that it was built here, by its id."""
    from recipebuild.prepare import open_store

    found: dict[str, float] = {}
    for record in open_store(options).records():  # the last one first
        found.setdefault(record.label, record.seconds)
    return found


def plan(
    recipes: given.Recipes,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
    templates: given.Templates = None,
    until: given.Until = None,
    as_json: given.Json = False,
) -> None:
    """Print the steps of recipes, which are cached, which would be built, and why. Builds nothing.

    Example: recipebuild plan recipes/mine.yaml --set calibration.count=64
    """
    from recipebuild.dryrun import preview
    from recipebuild.prepare import Options
    from recipebuild.report.plan import plan_text

    options = Options(sets=given.merged_sets(sets, weights, toolchain), store=store, templates=templates, until=until)
    plans = preview(recipes, options)
    if as_json:
        print_json(plans)
    else:
        typer.echo("\n".join(plan_text(one) for one in plans))


def explain(
    recipe: given.Recipe,
    step: Annotated[
        str,
        typer.Argument(metavar="STEP", help="The name of a step, such as compile.", autocompletion=completing.steps),
    ],
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
    templates: given.Templates = None,
    as_json: given.Json = False,
) -> None:
    """Say why a step would be built, or was: what changed, from what to what, and where that is written.

    Example: recipebuild explain quickstart compile --set calibration.count=16
    """
    from recipebuild.dryrun import explain
    from recipebuild.prepare import Options
    from recipebuild.report.explain import explain_text

    options = Options(sets=given.merged_sets(sets, weights, toolchain), store=store, templates=templates)
    entries = explain(recipe, step, options)
    if as_json:
        print_json(entries)
    else:
        typer.echo("\n".join(explain_text(entry) for entry in entries))
