"""``import``: existing Pulsar2 configurations become recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say


def import_(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="A `pulsar2 build` config: .json, .yaml, .toml or .prototxt.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the recipe to this file instead of printing it."),
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the input's name and shape from this model.")
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Convert a `pulsar2 build` config into an equivalent recipe.

    Example: recipebuild import config.json --onnx model.onnx -o recipe.yaml
    """
    from recipebuild.verbs.import_ import import_config

    made = import_config(config, onnx, output)
    if as_json:
        print_json([made.as_json()])
        return
    if output is None:
        typer.echo(made.text, nl=False)
    for mistake in made.mistakes:
        say(f"warning: {mistake.code} {mistake.message}")
        say(f"  {mistake.remedy}")
    for note in made.notes:
        say(f"note: {note}")
    for name in made.undocumented:
        say(f"note: RB313 {name} is not documented; it is kept in pulsar2.overrides")
    for name, why in made.missing.items():
        say(f"fill in: {name}: {why}")
