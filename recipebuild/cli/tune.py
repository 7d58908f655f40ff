"""``tune``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say, say_error

if TYPE_CHECKING:
    from recipebuild.errors import CheckError
    from recipebuild.verbs.tune import Figures, Tuned

Write = Annotated[bool, typer.Option("--write", help="Write the change into the recipe if it meets the goal.")]


def tune(
    recipe: opt.Recipe,
    write: Write = False,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    store: opt.Store = None,
    templates: opt.Templates = None,
    jobs: opt.Jobs = None,
    slots: opt.Slots = None,
    device: opt.Device = None,
    executor: opt.Executor = "local",
    as_json: opt.Json = False,
) -> None:
    """Search for the smallest change that meets an accuracy goal. Shows it as a diff of the recipe.

    The recipe sets the goal and the budget: tune: {max_drop, max_16bit_share, trials, minutes}. Trials are kept, so
    that an interrupted search continues where it stopped.

    Example: recipebuild tune quickstart

    Example: recipebuild tune recipes/mine.yaml --set tune.max_drop=0.01 --write
    """
    from recipebuild.cli.live import display
    from recipebuild.verbs.tune import Options, tune

    options = Options(
        sets=opt.merged_sets(sets, weights, None), store=store, templates=templates, jobs=jobs,
        slots=opt.slots_of(slots), device=device, executor=executor,
    )  # fmt: skip
    with display() as on_event:
        tuned = tune(recipe, options, on_event)
    if as_json:
        print_json([tuned.as_json()])
    else:
        typer.echo(_text(tuned), nl=False)
    if not tuned.met:
        error = _not_met(tuned)
        say_error(error)
        raise typer.Exit(error.exit_code)
    if write and tuned.diff:
        tuned.write()
        say(f"{tuned.path}: written")
    elif tuned.diff:
        say("add --write to write it into the recipe")


def _text(tuned: Tuned) -> str:
    """Trials, the figures on both halves, and the diff."""
    lines = [f"{'trial':52} {'loss':>7} {'16 bit':>7}"]
    for change, outcome in tuned.search.trials:
        lines.append(f"{str(change)[:52]:52} {tuned.shown(outcome.drop):>7} {outcome.share:>7.1%}")
        lines += [f"  {outcome.error}"] if outcome.error else []
    if tuned.search.cut:
        lines.append(f"{tuned.search.cut}: the search did not finish")
    word = "chosen" if tuned.met else "best"
    lines += ["", f"{word}: {tuned.search.best}; {tuned.share:.1%} of multiply-adds in 16 bit"]
    lines.append(f"tuning:   {_figures(tuned, tuned.tuning)}")
    lines.append(f"held out: {_figures(tuned, tuned.heldout)}; tuning has not seen them")
    if not tuned.diff:
        lines.append("the recipe needs no change")
    return "\n".join(lines) + f"\n\n{tuned.diff}" if tuned.diff else "\n".join(lines) + "\n"


def _not_met(tuned: Tuned) -> CheckError:
    """Why the goal is not met, and what may be done."""
    from recipebuild.errors import CheckError

    drops = (tuned.goal.max_drop, tuned.tuning.drop, tuned.heldout.drop)
    limit, before, apart = (f"{tuned.shown(drop)}{tuned.points}" for drop in drops)
    if tuned.search.met:
        return CheckError(
            f"{tuned.recipe}: {tuned.search.best} loses {before} on the images that it was chosen by, but {apart} on "
            f"those that were kept apart, and the limit is {limit}",
            remedy="evaluate on more images, so that the halves are alike, or allow more with tune.max_drop",
        )
    return CheckError(
        f"{tuned.recipe}: no change was found that loses at most {limit} with at "
        f"most {tuned.goal.max_16bit_share:.0%} of multiply-adds in 16 bit",
        remedy="allow more with tune.max_drop, tune.max_16bit_share or tune.trials; recipebuild run shows where it "
        "is lost: layers.json, sensitivity.json",
    )


def _figures(tuned: Tuned, figures: Figures) -> str:
    exact, before, after = map(tuned.shown, (figures.float_model, figures.before, figures.after))
    return (
        f"{tuned.title} {exact} float, {before} before, {after} after: "
        f"a loss of {tuned.shown(figures.drop)}, on {figures.images} images"
    )
