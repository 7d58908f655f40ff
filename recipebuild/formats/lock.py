"""What ``lock --json`` prints for each recipe: that the lock file of a recipe was written."""

from __future__ import annotations

from pydantic import Field

from recipebuild.formats.part import Part


class Lock(Part):
    """Where the lock file of a recipe is."""

    version: int = Field(description="Of this format")
    recipe: str = Field(description="As it was named on the command line")
    file: str = Field(description="The file")
