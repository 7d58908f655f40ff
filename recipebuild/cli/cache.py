"""``cache stats``, ``cache verify`` and ``cache gc``; ``push`` and ``pull`` are in ``exchange.py``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from recipebuild.cli import exchange
from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json

app = typer.Typer(help="Look after the store.", no_args_is_help=True, rich_markup_mode=None, add_completion=False)
app.command("push")(exchange.push)
app.command("pull")(exchange.pull)


@app.command("stats")
def stats(store: given.LocalStore = None, as_json: given.Json = False) -> None:
    """Say how much the store holds, by recipe and by step.

    Example: recipebuild cache stats
    """
    from recipebuild.engine.upkeep import usage
    from recipebuild.prepare import Options, open_store
    from recipebuild.report.figures import size

    opened = open_store(Options(store=store))
    found = usage(opened)
    if as_json:
        print_json([asdict(found)])
        return
    typer.echo(f"{opened.root}: {found.records} records, {found.blobs} blobs, {size(found.bytes)}")
    for title, parts in (("recipe", found.by_recipe), ("step", found.by_step)):
        typer.echo(f"by {title} (what several share counts for each):")
        for name, count in sorted(parts.items(), key=lambda part: -part[1]):
            typer.echo(f"  {size(count):>10}  {name}")


@app.command("verify")
def verify(store: given.LocalStore = None, as_json: given.Json = False) -> None:
    """Read every byte of the store; remove what is damaged, so that the next run builds it again.

    Example: recipebuild cache verify
    """
    from recipebuild.engine.upkeep import verify
    from recipebuild.errors import CheckError
    from recipebuild.prepare import Options, open_store
    from recipebuild.report.figures import size

    found = verify(open_store(Options(store=store)))
    if as_json:
        print_json([asdict(found)])
    else:
        for name in found.damaged:
            done = "cannot be removed, as it is another user's" if name in found.refused else "removed"
            typer.echo(f"damaged, {done}: {name}")
        for key in found.incomplete:
            typer.echo(f"incomplete, will be built again: {key}")
        typer.echo(f"{found.blobs} blobs, {size(found.bytes)}: {'sound' if not found.damaged else 'damaged'}")
    if found.damaged or found.incomplete:
        raise typer.Exit(CheckError.exit_code)


@app.command("gc")
def gc(
    max_size: Annotated[str | None, typer.Option(metavar="SIZE", help="Leave at most this much: 20GB, 500MB.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Remove what was not used for this long: 30d, 12h.")
    ] = None,
    store: given.LocalStore = None,
    as_json: given.Json = False,
) -> None:
    """Make room in the store. What a running build or a build folder needs stays.

    Example: recipebuild cache gc --max-size 20GB

    Example: recipebuild cache gc --older-than 30d
    """
    from recipebuild.engine.upkeep import collect
    from recipebuild.prepare import Options, open_store
    from recipebuild.report.figures import size

    limit = given.bytes_of("--max-size", max_size) if max_size else None
    age = given.seconds_of("--older-than", older_than) if older_than else None
    freed = collect(open_store(Options(store=store)), max_bytes=limit, older_than=age)
    if as_json:
        print_json([asdict(freed)])
    else:
        typer.echo(f"freed {size(freed.bytes)}: {freed.records} records, {freed.blobs} blobs")
        typer.echo(f"{size(freed.kept_bytes)} are left")
        if freed.refused:
            typer.echo(f"{freed.refused} files of other users could not be removed")
