"""Which field of the recipe a step's parameter or input comes from, so that an explanation can name its line."""

from __future__ import annotations

from functools import cache

from recipebuild.facts.fields import step_field
from recipebuild.recipe.fields import all_fields


def recipe_field(step: str, where: str) -> str | None:
    """The recipe's field behind an ingredient of a step's key; ``None`` if no field decides it.

    Args:
        step: The step's plain name, such as ``calibrate``.
        where: Which ingredient: ``params.count``, ``inputs.source``, ``params.input.mean``.
    """
    return step_field(step, where, _known())


@cache
def _known() -> dict[str, object]:
    return {".".join(path): info for path, info in all_fields().items()}
