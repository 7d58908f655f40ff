"""``inspect`` and ``diff``: what is in a model's file, and in two ONNX files side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json, say
from recipebuild.errors import CheckError

if TYPE_CHECKING:
    from recipebuild.pulsar2.axmodel import AxModel
    from recipebuild.pulsar2.lint import Finding

File = Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model.")]


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model, or a compiled .axmodel.")],
    hardware: Annotated[
        str | None, typer.Option(metavar="AX650|...", help="List the nodes that this NPU cannot take, and why.")
    ] = None,
    as_json: given.Json = False,
) -> None:
    """Say what is in a model: operators, parameters, multiply-adds, memory, inputs and outputs.

    Example: recipebuild inspect model.onnx --hardware AX650

    Example: recipebuild inspect compiled.axmodel
    """
    from recipebuild.pulsar2.axmodel import AxModel
    from recipebuild.pulsar2.inspect import inspect

    found = inspect(file, hardware)
    if as_json:
        print_json([found.as_json()])
    elif isinstance(found, AxModel):
        _print_compiled(found)
    else:
        _print_figures([found.as_json()])
        _print_findings(found.findings, hardware)
    if not isinstance(found, AxModel) and found.falls_short:
        raise typer.Exit(CheckError.exit_code)


def diff(a: File, b: File, as_json: given.Json = False) -> None:
    """Lay two models side by side."""
    from recipebuild.graph.describe import describe

    found = [describe(file).as_json() for file in (a, b)]
    if as_json:
        print_json(found)
    else:
        _print_figures(found)


def _print_figures(models: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console

    from recipebuild.report.models import figures

    Console().print(figures(models))


def _print_compiled(model: AxModel) -> None:
    typer.echo(f"compiled by Pulsar2 {model.version or '?'} {f'({model.commit})' if model.commit else ''}".rstrip())
    if model.npu_mode:
        typer.echo(f"NPU mode {model.npu_mode}")
    for tensor in model.inputs:
        typer.echo(f"input    {tensor} {model.colours.get(tensor.name, '')}".rstrip())
    for tensor in model.outputs:
        typer.echo(f"output   {tensor}")
    for part in model.subgraphs:
        typer.echo(f"{part.runs_on}      {part.name} {', '.join(part.operators)}".rstrip())


def _print_findings(findings: Sequence[Finding] | None, hardware: str | None) -> None:
    if findings is None:
        return
    if not findings:
        say(f"{hardware}: nothing known against it; the tables are a pre-screen, no promise")
    for finding in findings:
        where = "" if finding.source == "documented" else " [field]"
        typer.echo(f"{finding.severity:8} {finding}{where}")
