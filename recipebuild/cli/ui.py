"""``ui``: the reports of all builds in a browser."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from recipebuild.cli import options as opt


def ui(
    build_dir: opt.BuildDir = Path("build"),
    store: opt.LocalStore = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any that is free.")] = 8765,
    expose: Annotated[
        bool, typer.Option("--expose", help="Allow an address that other machines can reach. There is no password.")
    ] = False,
) -> None:
    """Show the reports of all builds in a browser, with live progress of those that run. Ctrl-C ends it.

    Example: recipebuild ui --port 0
    """
    from recipebuild.errors import Interrupted
    from recipebuild.ui.server import address, open_server

    server = open_server(build_dir, store, host, port, expose)
    typer.echo(address(server))
    with contextlib.suppress(Interrupted), server:
        server.serve_forever()
