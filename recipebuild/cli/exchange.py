"""``cache push`` and ``cache pull``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json
from recipebuild.errors import CheckError, RecipeError

Recipes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RECIPE]...", help="Recipes whose results to move; without any, all that there is."),
]
Url = Annotated[str, typer.Option("--store", metavar="URL", help="The remote store: s3://, gs://, sftp://, file://.")]


def push(
    store: Url,
    recipes: Recipes = None,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    as_json: given.Json = False,
) -> None:
    """Copy results of this machine to a remote store.

    Example: recipebuild cache push recipes/mine.yaml --store s3://bucket/team
    """
    from recipebuild.engine.exchange import push

    _move(push, "pushed", store, recipes, given.merged_sets(sets, weights, toolchain), as_json)


def pull(
    store: Url,
    recipes: Recipes = None,
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    as_json: given.Json = False,
) -> None:
    """Copy results from a remote store to this machine; the next run finds them.

    Example: recipebuild cache pull recipes/mine.yaml --store s3://bucket/team
    """
    from recipebuild.engine.exchange import pull

    _move(pull, "pulled", store, recipes, given.merged_sets(sets, weights, toolchain), as_json)


def _move(
    move: Callable[..., Any], verb: str, url: str, recipes: list[str] | None, sets: list[str], as_json: bool
) -> None:
    from recipebuild.prepare import Options, open_remote, open_store, prepare

    options = Options(sets=sets, store=url)
    remote = open_remote(options)
    if remote is None:
        raise RecipeError(f"--store {url} is no remote store", remedy="name a URL, such as s3://bucket/prefix")
    steps = [step for job in prepare(recipes, options) for step in job.plan.steps] if recipes else None
    store = open_store(options)
    try:
        moved = move(store, remote, steps)
    finally:
        store.close()
    if as_json:
        print_json([moved.as_json()])
    else:
        typer.echo(f"{verb} {moved.records} results; {moved.present} were there already")
        if moved.missing:
            typer.echo(f"not there: {', '.join(moved.missing)}")
        for name in moved.damaged:
            typer.echo(f"damaged, not taken: {name}")
    if moved.damaged:
        raise typer.Exit(CheckError.exit_code)
