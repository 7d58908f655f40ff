"""``inspect`` and ``diff``: what is in an ONNX file, and in two side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json

File = Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model.")]


def inspect(file: File, as_json: given.Json = False) -> None:
    """Say what is in a model: operators, parameters, multiply-adds, memory, inputs and outputs."""
    _tell([file], as_json)


def diff(a: File, b: File, as_json: given.Json = False) -> None:
    """Lay two models side by side."""
    _tell([a, b], as_json)


def _tell(files: list[Path], as_json: bool) -> None:
    from recipebuild.graph.describe import describe

    found = [describe(file).as_json() for file in files]
    if as_json:
        print_json(found)
        return
    from rich.console import Console

    from recipebuild.report.models import figures

    Console().print(figures(found))
