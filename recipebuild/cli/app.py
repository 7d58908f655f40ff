"""The ``recipebuild`` command: parses, calls one function, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from recipebuild import __version__
from recipebuild.cli import (
    accepting,
    board,
    building,
    bundle,
    cache,
    estimating,
    importing,
    inspect,
    locking,
    models,
    recipes,
    tuning,
)
from recipebuild.cli.exits import leave

app = typer.Typer(
    name="recipebuild",
    help="A YAML recipe in, a checked and packaged NPU model out.",
    epilog="Start with: recipebuild run quickstart",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"recipebuild {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """A YAML recipe in, a checked and packaged NPU model out."""


app.command("run")(building.run)
app.command("plan")(building.plan)
app.command("explain")(building.explain)
app.command("check")(recipes.check)
app.command("render")(recipes.render)
app.command("import")(importing.import_config)
app.command("schema")(recipes.schema)
app.command("inspect")(inspect.inspect)
app.command("diff")(inspect.diff)
app.command("models")(models.models)
app.command("estimate")(estimating.estimate)
app.command("lock")(locking.lock)
app.command("accept")(accepting.accept)
app.command("tune")(tuning.tune)
app.add_typer(board.app, name="board")
app.add_typer(bundle.app, name="bundle")
app.add_typer(cache.app, name="cache")


def main() -> NoReturn:
    """The console script."""
    leave(app)
