"""``schema``: the JSON Schema of recipes, for editors, and of the files that builds leave, for their readers."""

from __future__ import annotations

from typing import Any

from recipebuild.errors import RecipeError
from recipebuild.formats import VERSIONS


def json_schema(file: str = "recipe") -> dict[str, Any]:
    """The schema, draft 2020-12, as JSON values.

    Args:
        file: ``recipe``; a file by its name without ``.json``: ``manifest``, ``model``, ``quant``, ``lint``,
            ``accepted``; or a command that prints such a value with ``--json``: ``render``, ``report``, ``graph``,
            ``accept``, ``lock``.

    Raises:
        RecipeError: If there is no such file.
    """
    if file == "recipe":
        from recipebuild.recipe.json_schema import json_schema as of_recipes

        return of_recipes()
    if file not in VERSIONS:
        from recipebuild.recipe.fields import closest

        names = ["recipe", *VERSIONS]
        near = closest(file, names)
        raise RecipeError(
            f"there is no schema of {file}",
            remedy="\n".join(filter(None, (f"did you mean {near}?" if near else "", f"say {', '.join(names)}"))),
        )
    from recipebuild.formats.part import json_schema as of_format

    return of_format(file)
