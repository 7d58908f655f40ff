"""``render``: the Pulsar2 configuration of a recipe, nothing built."""

from __future__ import annotations

import json

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json


def render(
    recipe: opt.Recipe, sets: opt.Sets = None, templates: opt.Templates = None, as_json: opt.Json = False
) -> None:
    """Print the `pulsar2 build` config of a recipe. Builds nothing.

    Example: recipebuild render recipes/mine.yaml
    """
    from recipebuild.verbs.render import Options, render

    text = render(recipe, Options(sets=sets or (), templates=templates))
    if as_json:
        from recipebuild.formats.part import printed

        print_json([printed("render", recipe=recipe, config=json.loads(text))])
    else:
        typer.echo(text, nl=False)
