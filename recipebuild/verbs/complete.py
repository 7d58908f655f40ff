"""The words that shells complete. They are asked for at every press of Tab: quick, silent, nothing heavy imported."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable


def recipes() -> list[str]:
    """Shipped recipes by name."""
    from recipebuild.resources import shipped

    return [path.stem for path in shipped("recipes").glob("*.yaml")]


def hub_ids() -> list[str]:
    """The hub ids of shipped recipes."""
    from recipebuild.resources import shipped

    texts = (path.read_text(encoding="utf-8") for path in shipped("recipes").glob("*.yaml"))
    return [match[1] for text in texts if (match := re.search(r"source: ([\w-]+/[\w.-]+)", text))]


def steps() -> list[str]:
    """Names of steps."""
    from recipebuild.plan.kinds import KINDS

    return [name.partition("/")[0] for name in KINDS]


def settings(incomplete: str) -> list[str]:
    """Fields of recipes as ``--set`` takes them, and after the ``=`` the words that a field may have."""
    from recipebuild.recipe.fields import all_fields, values

    field, equals, _ = incomplete.partition("=")
    fields = all_fields()
    if not equals:
        parents = {path[:-1] for path in fields}
        return [f"{'.'.join(path)}=" for path in fields if path not in parents]
    return [f"{field}={word}" for word in values(tuple(field.split(".")))]


def boards() -> Iterable[str]:
    """Names of boards that were added."""
    from recipebuild.errors import RecipebuildError
    from recipebuild.toolkit.board.boards import load_boards

    with contextlib.suppress(RecipebuildError):
        return load_boards()
    return []
