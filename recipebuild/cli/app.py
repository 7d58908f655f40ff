"""The ``recipebuild`` command: parses, calls one function, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import builtins
import difflib
import keyword
import os
from collections import UserDict
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from recipebuild._version import __version__
from recipebuild.cli.exits import leave

_VERBS = (
    "new", "run", "plan", "explain", "check", "render", "import", "schema", "inspect", "diff", "models", "estimate",
    "report", "graph", "ui", "lock", "accept", "tune", "doctor", "help", "board", "bundle", "cache",
)  # fmt: skip
"""Each verb, in the order of ``--help``. ``_command`` says where it is."""

_ELSEWHERE = {
    "build": "run", "make": "run", "compile": "run", "validate": "check", "verify": "check", "lint": "check",
    "init": "new", "create": "new", "why": "explain", "list": "models", "clean": "cache gc",
}  # fmt: skip
"""What other tools call our verbs."""


class _Lazily(UserDict[str, Any]):
    """Commands by name, each imported and given its options when it is asked for: a run needs one of thirty."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _command(name)
        return self.data[name]


def _command(name: str) -> Any:
    """The command of a verb: the function that has its module's name, or the module's ``app`` of verbs below it.

    The module has the verb's name, with an underscore behind names that Python has for itself.
    """
    own = f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name
    module = import_module(f"recipebuild.cli.{own}")
    verbs = getattr(module, "app", None)
    if verbs is None:
        verbs = typer.Typer(rich_markup_mode=None, add_completion=False)
        verbs.command(name)(getattr(module, own))
    command = get_command(verbs)
    command.name = name
    return command


class Verbs(TyperGroup):
    """The verbs, and a word for who knows them by another name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Lazily(dict.fromkeys(_VERBS))

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
    help="Build checked, packaged models for Axera NPUs from YAML recipes.",
    epilog="Start with: recipebuild run quickstart. For more: recipebuild help",
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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Build checked, packaged models for Axera NPUs from YAML recipes."""


def main() -> NoReturn:
    """The console script."""
    # Plugins look on while models are validated; to ask each installed package for some takes 3 % of a cached run.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    leave(lambda: app(prog_name="recipebuild"))
