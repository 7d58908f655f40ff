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
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")] = 8765,
    expose: Annotated[
        bool, typer.Option("--expose", help="Allow an address that other machines can reach. There is no password.")
    ] = False,
) -> None:
    """Serve the reports of all builds to a browser. Shows running builds live. Stop it with Ctrl-C.

    Example: recipebuild ui --port 0
    """
    from recipebuild.errors import Interrupted
    from recipebuild.ui.server import address, open_server

    server = open_server(build_dir, store, host, port, expose)
    typer.echo(address(server))
    with contextlib.suppress(Interrupted), server:
        server.serve_forever()
