"""The figures of the step bundle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bundled:
    """The folder for the board.

    Attributes:
        files: How many there are in it.
        bytes: Their size in all.
        model: The name of the compiled model's file.
        runner: The program of ax-samples that runs it; ``None`` without one.
    """

    files: int
    bytes: int
    model: str
    runner: str | None
