"""What ``render --json`` prints: the Pulsar2 configuration of a recipe."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from recipebuild.formats.part import Part


class Render(Part):
    """The Pulsar2 configuration of a recipe."""

    version: int = Field(description="Of this format")
    recipe: str = Field(description="As it was named on the command line")
    config: dict[str, Any] = Field(description="What pulsar2 build reads: BuildConfig of Pulsar2's documentation")
