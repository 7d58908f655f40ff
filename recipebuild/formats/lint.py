"""``lint.json``: what the NPU cannot take of a model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recipebuild.formats.part import Part


class Finding(Part):
    """A node, or the whole model, that is trouble."""

    code: str = Field(pattern=r"^RB\d{3}$", description="The rule; docs/rules.md has them")
    node: str = Field(description="The node's name; empty if it is about the whole model")
    operator: str
    severity: Literal["fails", "wrong", "slow"]
    reason: str
    rewrite: str = Field(description="What removes it, where that is known")
    source: Literal["documented", "field"] = Field(description="field: what people found on real hardware")
    mended_by: str = Field(description="The rewrite of a build that removes it where its guard allows it")


class Lint(Part):
    """What the NPU cannot take of a model."""

    version: int = Field(description="Of this format")
    hardware: str = Field(description="The chip, such as AX650")
    findings: list[Finding]
