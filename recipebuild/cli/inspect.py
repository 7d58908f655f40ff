"""``inspect``: what is in a model's file, and what an NPU cannot take of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say
from recipebuild.errors import CheckError

if TYPE_CHECKING:
    from recipebuild.verbs.inspect import AxModel, OnnxModel


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model, or a compiled .axmodel.")],
    hardware: Annotated[
        str | None,
        typer.Option(metavar="AX650|...", help="List the nodes that this NPU does not support, with the reason."),
    ] = None,
    rewrites: Annotated[
        bool,
        typer.Option("--rewrites", help="Show where each graph rewrite would apply, and why it would not elsewhere."),
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Show a model's operators and cost, and what the NPU rejects. The cost is parameters, multiply-adds and memory.

    Example: recipebuild inspect model.onnx --hardware AX650

    Example: recipebuild inspect model.onnx --rewrites

    Example: recipebuild inspect compiled.axmodel
    """
    from recipebuild.verbs.inspect import AxModel, inspect

    inspected = inspect(file, hardware, rewrites)
    if as_json:
        print_json([inspected.as_json()])
    elif isinstance(inspected, AxModel):
        _print_compiled(inspected)
    else:
        _print_figures([inspected.description.as_json()])
        _print_rewrites(inspected, hardware)
        _print_findings(inspected, hardware)
    if not isinstance(inspected, AxModel) and inspected.falls_short:
        raise typer.Exit(CheckError.exit_code)


def _print_figures(models: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from recipebuild.verbs.inspect import model_table

    Console().print(model_table(models))


def _print_compiled(model: AxModel) -> None:
    typer.echo(f"compiled by Pulsar2 {model.version or '?'} {f'({model.commit})' if model.commit else ''}".rstrip())
    if model.npu_mode:
        typer.echo(f"NPU mode {model.npu_mode}")
    if model.hardware:
        alike = f" ({', '.join(model.alike)})" if model.alike else ""
        typer.echo(f"chip     {model.hardware}{alike}")
    for tensor in model.inputs:
        typer.echo(f"input    {tensor} {model.colours.get(tensor.name, '')}".rstrip())
    for tensor in model.outputs:
        typer.echo(f"output   {tensor}")
    for part in model.subgraphs:
        typer.echo(f"{part.runs_on}      {part.name} {', '.join(part.operators)}".rstrip())


def _print_rewrites(model: OnnxModel, hardware: str | None) -> None:
    from rich.console import Console

    from recipebuild.verbs.inspect import rewrite_table

    if model.rewrites is None:
        return
    typer.echo(f"\nwhat rewrites would do, for {hardware or 'the host'}")
    Console().print(rewrite_table([each.as_json() for each in model.rewrites]))
    idle = sum(not each.times and not each.refused for each in model.rewrites)
    say(f"{idle} of {len(model.rewrites)} rewrites find no match")


def _print_findings(model: OnnxModel, hardware: str | None) -> None:
    if model.findings is not None and not model.findings:
        say(f"{hardware}: no known problems; the tables are a pre-screen, not a guarantee")
    for finding in model.findings or ():
        where = "" if finding.source == "documented" else " [field]"
        typer.echo(f"{finding.severity:8} {finding.code} {finding}{where}")
