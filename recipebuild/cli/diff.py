"""``diff``: two models, two quantizations or two builds side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json

Side = Annotated[
    str,
    typer.Argument(metavar="MODEL|BUILD", help="An ONNX model, a quant.json, a build folder, or a manifest."),
]


def diff(a: Side, b: Side, build_dir: opt.BuildDir = Path("build"), as_json: opt.Json = False) -> None:
    """Compare two models, two quantizations or two builds. Compares quantizations tensor by tensor.

    Example: recipebuild diff build/quickstart/steps/simplify/simplified.onnx build/quickstart/model.onnx

    Example: recipebuild diff build/quickstart/quant.json pulsar2/quant/quant_axmodel.json

    Example: recipebuild diff build/b0 build/b0-tuned
    """
    from recipebuild.verbs import diff as verb

    kind = verb.kind_of(a, b)
    if kind == "builds":
        builds = verb.builds(a, b, build_dir)
        if as_json:
            print_json(builds)
        else:
            _print_builds(builds)
        return
    values = [verb.quantizations(a, b)] if kind == "quantizations" else verb.models(a, b)
    if as_json:
        print_json(values)
        return
    from rich.console import Console

    Console().print(verb.quantization_table(values[0]) if kind == "quantizations" else verb.model_table(values))


def _print_builds(builds: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from recipebuild.verbs.diff import build_tables

    for pair in builds:
        tables = build_tables(pair)
        typer.echo(f"A  {pair['a']}\nB  {pair['b']}")
        if not tables:
            typer.echo("nothing differs")
        for table in tables:
            typer.echo()
            Console().print(table)
