"""``graph``: the steps of a recipe as a picture."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from recipebuild.session import DEFAULTS, Options, RecipeName
from recipebuild.verbs.plan import preview

__all__ = ["Options", "graph", "picture"]


def graph(recipe: RecipeName, options: Options = DEFAULTS) -> dict[str, Any]:
    """The steps of a recipe and which needs which, as ``recipebuild/formats/graph.py`` describes it.

    Raises:
        RecipeError: If the recipe or an option is wrong.
    """
    from recipebuild.formats.part import printed
    from recipebuild.report.pipeline.nodes import nodes

    (plan,) = preview([recipe], options)
    return printed("graph", recipe=plan["recipe"], steps=[asdict(node) for node in nodes(plan["steps"])])


def picture(recipe: RecipeName, language: Literal["mermaid", "dot", "svg"], options: Options = DEFAULTS) -> str:
    """The steps of a recipe, drawn: which are cached, which would be built.

    Raises:
        RecipeError: If the recipe or an option is wrong.
    """
    from recipebuild.report.pipeline.nodes import nodes
    from recipebuild.report.pipeline.svg import svg
    from recipebuild.report.pipeline.text import dot, mermaid

    (plan,) = preview([recipe], options)
    drawn = nodes(plan["steps"])
    if language == "svg":
        return svg(drawn, f"The steps of {plan['recipe']}") + "\n"
    return mermaid(drawn) if language == "mermaid" else dot(drawn, plan["recipe"])
