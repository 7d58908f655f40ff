"""What ``accept --json`` prints for each recipe: that the figures of a recipe's build were accepted."""

from __future__ import annotations

from pydantic import Field

from recipebuild.formats.part import Part


class Accept(Part):
    """Where the accepted figures of a recipe are."""

    version: int = Field(description="Of this format")
    recipe: str = Field(description="As it was named on the command line")
    file: str = Field(description="The file; the schema accepted says what is in it")
