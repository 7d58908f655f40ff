"""``render``: the Pulsar2 configuration of a recipe, nothing built."""

from __future__ import annotations

import typer

from recipebuild.cli import options as opt


def render(recipe: opt.Recipe, sets: opt.Sets = None, templates: opt.Templates = None) -> None:
    """Print the Pulsar2 configuration of a recipe. Builds nothing.

    Example: recipebuild render recipes/mine.yaml
    """
    from recipebuild.verbs.render import Options, render

    typer.echo(render(recipe, Options(sets=sets or (), templates=templates)), nl=False)
