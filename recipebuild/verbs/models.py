"""``models``: the families, tasks and recipes that there are, and what the recipes' models cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipebuild.facts.models import published
from recipebuild.facts.tasks import TASKS
from recipebuild.recipe.load import load
from recipebuild.report.catalog import table
from recipebuild.resources import shipped
from recipebuild.toolkit.board.costs import Costs
from recipebuild.toolkit.board.other_chips import estimate_for
from recipebuild.toolkit.models.families import family_table

__all__ = ["models", "table"]


def models() -> dict[str, Any]:
    """``tasks``, ``families`` (rows ``family``, ``task``, ``ids``), the shipped ``recipes`` by name, and ``models``.

    Each of ``models`` has ``recipe``, ``model``, ``task``, ``height``, ``width``, and what is ``None`` where it is not
    known: ``parameters``, ``multiply_adds``, ``estimated_ms`` on the recipe's chip, and the published ``accuracy``.
    """
    recipes = sorted(path.stem for path in shipped("recipes").glob("*.yaml"))
    rows = [_row(name) for name in recipes]
    return {"tasks": sorted(TASKS), "families": family_table(), "recipes": recipes, "models": rows}


def _row(name: str) -> dict[str, Any]:
    recipe = load(name, cwd=Path("/"), files=False)[0].recipe
    known = published().get(name, {})
    height, width = recipe.image.shape[2:] if recipe.image else (None, None)
    row = {
        "recipe": name, "model": recipe.model.source if not recipe.model.is_local else name, "task": recipe.model.task,
        "height": height, "width": width, "parameters": None, "multiply_adds": None,
        "estimated_ms": None, "accuracy": known.get("accuracy"),
    }  # fmt: skip
    if "costs" in known:
        costs = Costs(**{**known["costs"], "softmax_sizes": tuple(known["costs"]["softmax_sizes"])})
        estimate = estimate_for(recipe.target.hardware, recipe.target.npu_mode, costs)
        row |= {
            "parameters": costs.parameters,
            "multiply_adds": costs.conv + costs.matmul,
            "estimated_ms": float(f"{estimate.ms:.3g}"),
        }
    return row
