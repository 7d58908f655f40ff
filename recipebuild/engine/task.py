"""A step on its way through a run, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from recipebuild.engine.claims import Claim
from recipebuild.engine.record import Record
from recipebuild.engine.step import Step
from recipebuild.errors import RecipebuildError


@dataclass
class Task:
    """A step that must be built: its ingredients and key, and once it is started where, since when.

    Attributes:
        claim: What it holds while it runs.
        waits_for: What it was last reported to wait for.
        failure: Why it failed the last time, if it is to be tried again; then not before ``earliest``.
        tries: How often it was started.
    """

    step: Step
    ingredients: dict[str, Any]
    key: str
    claim: Claim = field(default_factory=Claim)
    folder: Path = field(default_factory=Path)
    began: float = 0.0
    waits_for: str | None = None
    failure: RecipebuildError | None = None
    earliest: float = 0.0
    tries: int = 0


@dataclass(frozen=True)
class Result:
    """How a step ended.

    Attributes:
        step: The step.
        status: ``skipped`` when a step before it failed, or the run was stopped.
        record: With ``built`` and ``cached``.
        error: With ``failed``.
        log: With ``failed``, if it had begun: its log, until the store's workspaces are closed.
        seconds: How long it ran in this run; 0 unless it was started.
    """

    step: Step
    status: Literal["built", "cached", "failed", "skipped"]
    record: Record | None = None
    error: RecipebuildError | None = None
    log: Path | None = None
    seconds: float = 0.0
