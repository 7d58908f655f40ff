"""The report's templates: ``render("build.html.j2", ...)``. All that is put into them is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.resources import shipped

if TYPE_CHECKING:
    from jinja2 import Environment


def render(name: str, **values: Any) -> str:
    """A template of ``templates/report/`` with values."""
    return _environment().get_template(name).render(values)


def text(name: str) -> str:
    """A file of ``templates/report/`` as it is."""
    return _file(name)


@cache
def _file(name: str) -> str:
    return (_folder() / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Without a sandbox, which doubles the time: the templates are the shipped ones, never those of ``--templates``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_folder()),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _folder() -> Path:
    return shipped("templates") / "report"
