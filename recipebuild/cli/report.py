"""``report``, ``graph`` and ``ui``: builds told as pages, and recipes as pictures of their steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say

Builds = Annotated[
    list[str],
    typer.Argument(metavar="BUILD", help="Build folders, manifests, or names of recipes in --build-dir."),
]


def report(
    builds: Builds,
    build_dir: opt.BuildDir = Path("build"),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the page to this file.")
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Write the report of a build, or a page that compares several. `run` writes report.html itself.

    Example: recipebuild report quickstart

    Example: recipebuild report build/b0 build/b0-tuned -o comparison.html
    """
    from recipebuild.verbs.report import write

    path, missing = write(builds, build_dir, output)
    if as_json:
        from recipebuild.formats.part import printed

        print_json([printed("report", builds=builds, page=str(path), notes=missing)])
        return
    for line in missing:
        say(line)
    typer.echo(path)
