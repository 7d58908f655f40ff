"""``inspect`` and ``diff``: what is in a model's file, and two models or two builds side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recipebuild.cli import options as given
from recipebuild.cli.exits import print_json, say
from recipebuild.errors import CheckError

if TYPE_CHECKING:
    from recipebuild.pulsar2.axmodel import AxModel
    from recipebuild.pulsar2.inspect import OnnxModel

Side = Annotated[
    str,
    typer.Argument(metavar="MODEL|BUILD", help="An ONNX model; a quant.json; or a build folder or its manifest."),
]


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model, or a compiled .axmodel.")],
    hardware: Annotated[
        str | None, typer.Option(metavar="AX650|...", help="List the nodes that this NPU cannot take, and why.")
    ] = None,
    rewrites: Annotated[
        bool, typer.Option("--rewrites", help="List what each rewrite of a build would do, and why not.")
    ] = False,
    as_json: given.Json = False,
) -> None:
    """Say what is in a model: operators, parameters, multiply-adds, memory, and what an NPU cannot take of it.

    Example: recipebuild inspect model.onnx --hardware AX650

    Example: recipebuild inspect model.onnx --rewrites

    Example: recipebuild inspect compiled.axmodel
    """
    from recipebuild.pulsar2.axmodel import AxModel
    from recipebuild.pulsar2.inspect import inspect

    found = inspect(file, hardware, rewrites)
    if as_json:
        print_json([found.as_json()])
    elif isinstance(found, AxModel):
        _print_compiled(found)
    else:
        _print_figures([found.description.as_json()])
        _print_rewrites(found, hardware)
        _print_findings(found, hardware)
    if not isinstance(found, AxModel) and found.falls_short:
        raise typer.Exit(CheckError.exit_code)


def diff(a: Side, b: Side, build_dir: given.BuildDir = Path("build"), as_json: given.Json = False) -> None:
    """Lay two models side by side, compare two quantizations tensor by tensor, or say what differs between two builds.

    Example: recipebuild diff build/quickstart/steps/simplify/simplified.onnx build/quickstart/model.onnx

    Example: recipebuild diff build/quickstart/quant.json pulsar2/quant/quant_axmodel.json

    Example: recipebuild diff build/b0 build/b0-tuned
    """
    files = [path for path in (Path(a), Path(b)) if path.suffix == ".onnx" or path.is_file()]
    if not files or any(path.name == "manifest.json" for path in files):
        _diff_builds(a, b, build_dir, as_json)
        return
    if any(path.suffix == ".json" for path in files):
        _diff_quantizations(Path(a), Path(b), as_json)
        return
    from recipebuild.graph.describe import describe

    found = [describe(Path(file)).as_json() for file in (a, b)]
    if as_json:
        print_json(found)
    else:
        _print_figures(found)


def _diff_builds(a: str, b: str, build_dir: Path, as_json: bool) -> None:
    from recipebuild.report.changes import changes, pairs, tables
    from recipebuild.reports import find

    found = [changes(one, two) for one, two in pairs(find(a, build_dir), find(b, build_dir))]
    if as_json:
        print_json(found)
        return
    from rich.console import Console

    for each in found:
        made = tables(each)
        typer.echo(f"A  {each['a']}\nB  {each['b']}")
        if not made:
            typer.echo("nothing differs")
        for table in made:
            typer.echo()
            Console().print(table)


def _diff_quantizations(a: Path, b: Path, as_json: bool) -> None:
    from rich.console import Console

    from recipebuild.quantize.compare import compare, read
    from recipebuild.report.quantizations import changes

    found = compare(read(a), read(b)).as_json()
    if as_json:
        print_json([found])
    else:
        Console().print(changes(found))


def _print_figures(models: list[dict[str, Any]]) -> None:
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


def _print_rewrites(model: OnnxModel, hardware: str | None) -> None:
    from rich.console import Console

    from recipebuild.report.models import rewrites

    if model.rewrites is None:
        return
    typer.echo(f"\nwhat rewrites would do, for {hardware or 'the host'}")
    Console().print(rewrites([each.as_json() for each in model.rewrites]))
    idle = sum(not each.times and not each.refused for each in model.rewrites)
    say(f"{idle} of {len(model.rewrites)} rewrites find nothing that they look for")


def _print_findings(model: OnnxModel, hardware: str | None) -> None:
    if model.findings is not None and not model.findings:
        say(f"{hardware}: nothing known against it; the tables are a pre-screen, no promise")
    for finding in model.findings or ():
        where = "" if finding.source == "documented" else " [field]"
        typer.echo(f"{finding.severity:8} {finding}{where}")
