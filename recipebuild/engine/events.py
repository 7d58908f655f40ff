"""What the engine tells while it runs, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from recipebuild.engine.step import Step

Status = Literal["waiting", "started", "progress", "retrying", "built", "cached", "failed", "skipped"]
"""``waiting``: another process builds it, or holds what it needs. The last four end a step."""


@dataclass(frozen=True)
class Event:
    """Something happened to a step.

    Attributes:
        step: The step.
        status: What happened.
        fraction: With ``progress``: how much is done, 0..1.
        text: With ``progress``, ``waiting`` and ``retrying``: a few words.
        seconds: With ``built`` and ``failed``: how long it ran.
        metrics: With ``built`` and ``cached``: the figures that it returned.
    """

    step: Step
    status: Status
    fraction: float = 0.0
    text: str = ""
    seconds: float = 0.0
    metrics: dict[str, Any] | None = None


OnEvent = Callable[[Event], None]
