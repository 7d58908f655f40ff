"""``doctor``: what this machine has of what builds need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json
from recipebuild.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recipebuild.verbs.board import Line


Toolchain = Annotated[
    bool,
    typer.Option(
        "--toolchain",
        help="Ask Pulsar2 for the fields and values that it takes, and keep them: check reads them offline",
    ),
]


def doctor(store: opt.LocalStore = None, toolchain: Toolchain = False, as_json: opt.Json = False) -> None:
    """Check this machine, with a fix for each problem. Covers Python, packages, Pulsar2, hub, store and boards.

    Exits with 4 if anything `run` needs is missing.

    Example: recipebuild doctor

    Example: recipebuild doctor --json

    Example: recipebuild doctor --toolchain
    """
    from recipebuild.verbs.doctor import doctor

    tell(doctor(Path(store).absolute() if store else None, toolchain=toolchain), as_json)


def tell(lines: Sequence[Line], as_json: bool) -> None:
    """Print what was looked at, and under what is not well what helps; leave with 4 if something fails."""
    if as_json:
        print_json([[line.as_json() for line in lines]])
    for line in () if as_json else lines:
        typer.echo(f"{line.state:4}  {line.what}: {line.found}")
        if line.remedy and line.state != "ok":
            typer.echo("\n".join(f"        {part}" for part in line.remedy.splitlines()))
    if any(line.state == "fail" for line in lines):
        raise typer.Exit(MissingError.exit_code)
