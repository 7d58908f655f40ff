"""README.md of a bundle: the model card, from the template ``bundle/README.md.j2``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError, reason
from recipebuild.resources import template_loader, template_path

TEMPLATE = "bundle/README.md.j2"
PROGRAM = "bundle/run.py"


def card(values: Mapping[str, Any], templates: Mapping[str, Path]) -> str:
    """The card's text.

    Args:
        values: What the template may name.
        templates: The templates among a step's inputs, as in ``resources.py``.

    Raises:
        StepError: If the template is wrong.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=template_loader(templates), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    try:
        return environment.get_template(TEMPLATE).render(values)
    except Exception as error:  # a template is a program: it can raise anything
        raise StepError(f"{TEMPLATE}: {reason(error)}", remedy="correct the template") from error


def program(templates: Mapping[str, Path]) -> Path:
    """The program for the board: the user's own, or the shipped one.

    Raises:
        StepError: If there is none.
    """
    path = template_path(PROGRAM, templates)
    if path is None:
        raise StepError(f"no template {PROGRAM}", remedy="reinstall recipebuild, which contains one")
    return path
