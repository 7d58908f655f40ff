"""``manifest.json``: what a build is made of, step by step."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from recipebuild.formats.part import Part


class Toolchain(Part):
    """What compiled."""

    name: Literal["onnxruntime", "pulsar2"]
    version: str


class Output(Part):
    """A file that a step wrote."""

    name: str
    path: str = Field(description="Relative to the build folder")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Error(Part):
    """Why a step failed."""

    message: str
    remedy: str
    exit_code: int
    field: str = Field(default="", description="The recipe's field that it is about, dotted")


class Origin(Part):
    """What decided a value of Pulsar2's configuration."""

    field: str = Field(description="The recipe's field, dotted")
    place: str | None = Field(description="File and line, or --set; null for a default")


class Step(Part):
    """A step of the plan."""

    id: str = Field(description="Such as quickstart/export; in a matrix with the entry's label")
    name: str = Field(description="Such as export")
    variant: str = Field(description="The entry of the matrix; empty if all share it")
    needs: list[str] = Field(description="The ids of the steps that it reads from")
    key: str | None = Field(description="The key of its result; null if it did not get that far")
    status: Literal["built", "cached", "failed", "skipped"]
    seconds: float | None = Field(description="How long it took when it was built")
    outputs: list[Output]
    metrics: dict[str, Any] = Field(description="Its figures; docs/manifest.md names them")
    log: str = Field(default="", description="The path of its log; not of a step that was skipped")
    error: Error | None = Field(default=None, description="Only of a step that failed")
    origins: dict[str, Origin] = Field(
        default={}, description="Only of configure: what decided each value of pulsar2.json, by its path"
    )


class Rule(Part):
    """A note or warning with a code."""

    code: str = Field(pattern=r"^RB\d{3}$")
    level: Literal["warning", "note", "ignored"]
    step: str = Field(description="The step that says it; empty if none does")
    text: str
    reason: str = Field(description="Of the recipe's check.ignore; empty unless it is ignored")


class Environment(Part):
    """Where it was built."""

    recipebuild: str
    python: str
    platform: str
    distributions: dict[str, str | None] = Field(description="The versions of packages that results depend on")


class Made(Part):
    """How it was made."""

    command: str = Field(description="What builds the same")
    date: str = Field(description="When the last run that built something ended, UTC, as in ISO 8601")
    commit: str = Field(
        default="", description="Of the git repository with the recipe; it ends in -dirty where not all was committed"
    )


class Verdict(Part):
    """How a build compares with accepted figures."""

    verdict: Literal["better", "same within noise", "worse"]
    lines: list[str]


class Manifest(Part):
    """What a build is made of, step by step."""

    version: int = Field(description="Of this format")
    recipe: str = Field(description="The build's name")
    recipe_digest: str = Field(description="sha256 of the recipe after extends, --set and defaults")
    status: Literal["ok", "failed", "partial"]
    toolchain: Toolchain | dict[str, Toolchain] = Field(description="Where entries of a matrix differ, by label")
    steps: list[Step]
    variants: dict[str, list[str]] = Field(description="The ids of the steps of each entry of a matrix, by label")
    metrics: dict[str, Any] = Field(description="The build's own figures; in a matrix by label")
    notes: list[str] = Field(description="What a user should know, and all warnings")
    rules: list[Rule] = Field(description="The notes that have a code, taken apart")
    environment: Environment
    made: Made
    files: list[str] = Field(description="All that this build put into the folder")
    complete: str = Field(
        default="", description="The manifest of the last complete build, where this run did not finish after one"
    )
    verdict: dict[str, Verdict] = Field(default={}, description="By label; only where figures were accepted")
