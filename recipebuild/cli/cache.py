"""``cache``: the store looked after, and its results moved to and from a remote one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json
from recipebuild.errors import CheckError

if TYPE_CHECKING:
    from recipebuild.verbs.cache import Moved

app = typer.Typer(
    help="Manage the store of cached results.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

Recipes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RECIPE]...", help="Copy only the results of these recipes."),
]
Url = Annotated[str, typer.Option("--store", metavar="URL", help="The remote store: s3://, gs://, sftp://, file://.")]


@app.command("stats")
def stats(store: opt.LocalStore = None, as_json: opt.Json = False) -> None:
    """Show how much space the store uses, by recipe and by step.

    Example: recipebuild cache stats
    """
    from recipebuild.verbs.cache import Options, size, stats

    root, usage = stats(Options(store=store))
    if as_json:
        print_json([asdict(usage)])
        return
    typer.echo(f"{root}: {usage.records} records, {usage.blobs} blobs, {size(usage.bytes)}")
    for title, parts in (("recipe", usage.by_recipe), ("step", usage.by_step)):
        typer.echo(f"by {title} (shared results count for each):")
        for name, count in sorted(parts.items(), key=lambda part: -part[1]):
            typer.echo(f"  {size(count):>10}  {name}")


@app.command("verify")
def verify(store: opt.LocalStore = None, as_json: opt.Json = False) -> None:
    """Verify every file in the store and remove damaged results, so that the next run rebuilds them.

    Example: recipebuild cache verify
    """
    from recipebuild.verbs.cache import Options, size, verify

    verdict = verify(Options(store=store))
    if as_json:
        print_json([asdict(verdict)])
    else:
        for name in verdict.damaged:
            done = "not removed, owned by another user" if name in verdict.refused else "removed"
            typer.echo(f"damaged, {done}: {name}")
        for key in verdict.incomplete:
            typer.echo(f"incomplete, will be rebuilt: {key}")
        typer.echo(f"{verdict.blobs} blobs, {size(verdict.bytes)}: {'sound' if not verdict.damaged else 'damaged'}")
    if verdict.damaged or verdict.incomplete:
        raise typer.Exit(CheckError.exit_code)


@app.command("gc")
def gc(
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Remove the least recently used results until the store fits this size, such as 20GB."
        ),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Remove results not used for this long, such as 30d or 12h.")
    ] = None,
    store: opt.LocalStore = None,
    as_json: opt.Json = False,
) -> None:
    """Free space in the store. Keeps what running builds and build folders need.

    Example: recipebuild cache gc --max-size 20GB

    Example: recipebuild cache gc --older-than 30d
    """
    from recipebuild.verbs.cache import Options, gc, size

    limit = opt.bytes_of("--max-size", max_size) if max_size else None
    age = opt.seconds_of("--older-than", older_than) if older_than else None
    freed = gc(Options(store=store), max_bytes=limit, older_than=age)
    if as_json:
        print_json([asdict(freed)])
    else:
        typer.echo(f"freed {size(freed.bytes)}: {freed.records} records, {freed.blobs} blobs")
        typer.echo(f"{size(freed.kept_bytes)} left")
        if freed.refused:
            typer.echo(f"{freed.refused} files of other users could not be removed")


@app.command("push")
def push(
    store: Url,
    recipes: Recipes = None,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    as_json: opt.Json = False,
) -> None:
    """Copy results to a remote store.

    Example: recipebuild cache push recipes/mine.yaml --store s3://bucket/team
    """
    from recipebuild.verbs.cache import Options, push

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store)
    _tell_moved(push(recipes, options), "pushed", as_json)


@app.command("pull")
def pull(
    store: Url,
    recipes: Recipes = None,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    toolchain: opt.Toolchain = None,
    as_json: opt.Json = False,
) -> None:
    """Copy results from a remote store, so that the next run finds them.

    Example: recipebuild cache pull recipes/mine.yaml --store s3://bucket/team
    """
    from recipebuild.verbs.cache import Options, pull

    options = Options(sets=opt.merged_sets(sets, weights, toolchain), store=store)
    _tell_moved(pull(recipes, options), "pulled", as_json)


def _tell_moved(moved: Moved, verb: str, as_json: bool) -> None:
    if as_json:
        print_json([moved.as_json()])
    else:
        typer.echo(f"{verb} {moved.records} results; {moved.present} already there")
        if moved.missing:
            typer.echo(f"not there: {', '.join(moved.missing)}")
        for name in moved.damaged:
            typer.echo(f"damaged, skipped: {name}")
    if moved.damaged:
        raise typer.Exit(CheckError.exit_code)
