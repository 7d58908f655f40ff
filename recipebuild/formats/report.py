"""What ``report --json`` prints: where the page of builds is."""

from __future__ import annotations

from pydantic import Field

from recipebuild.formats.part import Part


class Report(Part):
    """A page about one build, or one that compares several."""

    version: int = Field(description="Of this format")
    builds: list[str] = Field(description="As they were named on the command line")
    page: str = Field(description="The file")
    notes: list[str] = Field(description="Warnings, as lines")
