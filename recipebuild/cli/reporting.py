"""``report``, ``graph`` and ``ui``: builds told as pages, and recipes as pictures of their steps."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import say

Builds = Annotated[
    list[str],
    typer.Argument(metavar="BUILD", help="Build folders, manifests, or names of recipes built in --build-dir."),
]


def report(
    builds: Builds,
    build_dir: given.BuildDir = Path("build"),
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Make the page of a build, or one that compares several. `run` makes report.html by itself.

    Example: recipebuild report quickstart

    Example: recipebuild report build/b0 build/b0-tuned -o comparison.html
    """
    from recipebuild.reports import write

    path, missing = write(builds, build_dir, output)
    for line in missing:
        say(line)
    typer.echo(path)


def graph(
    recipe: given.Recipe,
    format: Annotated[
        Literal["mermaid", "dot", "svg"], typer.Option("--format", help="The language of the picture.")
    ] = "mermaid",
    sets: given.Sets = None,
    weights: given.Weights = None,
    toolchain: given.Toolchain = None,
    store: given.Store = None,
    templates: given.Templates = None,
) -> None:
    """Draw the steps of a recipe: which are cached, which would be built. Builds nothing.

    Example: recipebuild graph quickstart --format svg
    """
    from recipebuild.dryrun import picture
    from recipebuild.prepare import Options

    options = Options(sets=given.merged_sets(sets, weights, toolchain), store=store, templates=templates)
    typer.echo(picture(recipe, format, options), nl=False)


def ui(
    build_dir: given.BuildDir = Path("build"),
    store: given.LocalStore = None,
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
    from recipebuild.prepare import Options, open_store
    from recipebuild.ui.builds import Builds
    from recipebuild.ui.server import address, server

    made = server(Builds(build_dir, open_store(Options(store=store)).root), host, port, expose)
    typer.echo(address(made))
    with contextlib.suppress(Interrupted), made:
        made.serve_forever()
