"""``<name>.accepted.json``: figures that were found good."""

from __future__ import annotations

from pydantic import Field

from recipebuild.formats.part import Part


class Figures(Part):
    """The figures of one entry of the matrix; what was not measured is left out."""

    metric: str | None = Field(default=None, description="Such as miou")
    row: str | None = Field(default=None, description="Which model it was measured on, such as quantized")
    value: float | None = None
    interval: tuple[float, float] | None = Field(default=None, description="95 %")
    figures: dict[str, float | None] = Field(default={}, description="All figures of the evaluation")
    per_image: dict[str, float] = Field(default={}, description="What each image adds to the metric")
    bytes: int | None = None
    cycles: int | None = None
    latency_ms: float | None = None
    toolchain: str
    digests: dict[str, str] = Field(description="sha256 of what was built, by the file's name")


class Accepted(Part):
    """Figures that were found good."""

    version: int = Field(description="Of this format")
    recipe: str
    builds: dict[str, Figures] = Field(
        description="By the label of the matrix entry; without a matrix the label is empty"
    )
