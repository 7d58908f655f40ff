"""``models``: the families, tasks and recipes that there are."""

from __future__ import annotations

from typing import Any

from recipebuild.facts.tasks import TASKS
from recipebuild.resources import shipped
from recipebuild.toolkit.models.families import family_table


def models() -> dict[str, Any]:
    """``tasks``, ``families`` (rows ``family``, ``task``, ``ids``) and the shipped ``recipes``, by name."""
    recipes = sorted(path.stem for path in shipped("recipes").glob("*.yaml"))
    return {"tasks": sorted(TASKS), "families": family_table(), "recipes": recipes}
