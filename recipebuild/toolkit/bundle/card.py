"""README.md of a bundle: the model card, from the template ``bundle/README.md.j2``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError, reason

TEMPLATE = "bundle/README.md.j2"
PROGRAM = "bundle/run.py"


def card(values: Mapping[str, Any], folders: Sequence[Path]) -> str:
    """The card's text; the first of ``folders`` that has the template wins.

    Raises:
        StepError: If the template is wrong.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    try:
        return environment.get_template(TEMPLATE).render(values)
    except Exception as error:  # a template is a program: it can raise anything
        raise StepError(f"{TEMPLATE}: {reason(error)}", remedy="correct the template") from error


def program(folders: Sequence[Path]) -> Path:
    """The program for the board: the user's own, or the shipped one."""
    return next(path for folder in folders if (path := folder / PROGRAM).is_file())
