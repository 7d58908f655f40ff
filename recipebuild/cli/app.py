"""The ``recipebuild`` command: parses, calls one function, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import difflib
from collections import UserDict
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from recipebuild._version import __version__
from recipebuild.cli.exits import leave

_VERBS = {
    "new": "new:new",
    "run": "run:run",
    "plan": "plan:plan",
    "explain": "explain:explain",
    "check": "check:check",
    "render": "render:render",
    "import": "import_:import_config",
    "schema": "schema:schema",
    "inspect": "inspect:inspect",
    "diff": "diff:diff",
    "models": "models:models",
    "estimate": "estimate:estimate",
    "report": "report:report",
    "graph": "graph:graph",
    "ui": "ui:ui",
    "lock": "lock:lock",
    "accept": "accept:accept",
    "tune": "tune:tune",
    "doctor": "doctor:doctor",
    "help": "help_:help_",
    "board": "board:app",
    "bundle": "bundle:app",
    "cache": "cache:app",
}
"""Each verb, in the order of ``--help``, and where it is: a function, or a typer app that has verbs of its own."""

_ELSEWHERE = {
    "build": "run", "make": "run", "compile": "run", "validate": "check", "verify": "check", "lint": "check",
    "init": "new", "create": "new", "why": "explain", "list": "models", "clean": "cache gc",
}  # fmt: skip
"""What other tools call our verbs."""


class _Lazily(UserDict[str, Any]):
    """Commands by name, each imported and given its options when it is asked for: a run needs one of thirty."""

    def __getitem__(self, name: str) -> Any:
        command = self.data[name]
        if isinstance(command, str):
            module, _, attribute = command.partition(":")
            verb = getattr(import_module(f"recipebuild.cli.{module}"), attribute)
            if not isinstance(verb, typer.Typer):
                alone = typer.Typer(rich_markup_mode=None, add_completion=False)
                alone.command(name)(verb)
                verb = alone
            command = self.data[name] = get_command(verb)
            command.name = name
        return command


class Verbs(TyperGroup):
    """The verbs, and a word for who knows them by another name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Lazily(_VERBS)

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


def main() -> NoReturn:
    """The console script."""
    leave(lambda: app(prog_name="recipebuild"))
