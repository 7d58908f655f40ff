"""The ``recipebuild`` command: parses, calls one function, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from recipebuild import __version__
from recipebuild.cli import (
    accepting,
    board,
    building,
    bundle,
    cache,
    doctoring,
    estimating,
    helping,
    importing,
    inspect,
    locking,
    models,
    new,
    recipes,
    reporting,
    tuning,
)
from recipebuild.cli.exits import leave

_ELSEWHERE = {
    "build": "run", "make": "run", "compile": "run", "validate": "check", "verify": "check", "lint": "check",
    "init": "new", "create": "new", "why": "explain", "list": "models", "clean": "cache gc",
}  # fmt: skip
"""What other tools call our verbs."""


class Verbs(TyperGroup):
    """The verbs, and a word for who knows them by another name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the verb; raises a usage error that names the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            near = difflib.get_close_matches(args[0], _ELSEWHERE, n=1) if "Did you mean" not in str(error) else []
            if near and hasattr(error, "message"):
                error.message = f"{error.message.rstrip('.')}. Did you mean '{_ELSEWHERE[near[0]]}'?"
            raise


app = typer.Typer(
    name="recipebuild",
    cls=Verbs,
    help="A YAML recipe in, a checked and packaged NPU model out.",
    epilog="Start with: recipebuild run quickstart. More: recipebuild help, recipebuild help errors",
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


app.command("new")(new.new)
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
app.command("report")(reporting.report)
app.command("graph")(reporting.graph)
app.command("ui")(reporting.ui)
app.command("lock")(locking.lock)
app.command("accept")(accepting.accept)
app.command("tune")(tuning.tune)
app.command("doctor")(doctoring.doctor)
app.command("help")(helping.help_)
app.add_typer(board.app, name="board")
app.add_typer(bundle.app, name="bundle")
app.add_typer(cache.app, name="cache")


def main() -> NoReturn:
    """The console script."""
    leave(lambda: app(prog_name="recipebuild"))
