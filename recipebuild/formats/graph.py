"""What ``graph --json`` prints: the steps of a recipe, and which needs which."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.formats.part import Part


class GraphStep(Part):
    """A step."""

    id: str = Field(description="Unique in the recipe")
    name: str = Field(description="Such as export")
    variant: str = Field(description="The label of the matrix entry that it belongs to; empty if to all")
    status: Literal["cached", "fetch", "build", "follows"] = Field(
        description="What run would do: nothing, fetch its result from a remote store, build it, or decide later"
    )
    seconds: float | None = Field(description="How long it took the last time; null if it was never built here")
    needs: list[str] = Field(description="The ids of the steps before it, but for those that follow from others")


class Graph(Part):
    """The steps of a recipe."""

    version: int = Field(description="Of this format")
    recipe: str = Field(description="Its name")
    steps: list[GraphStep] = Field(description="Each after those that it needs")
