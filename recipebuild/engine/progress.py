"""How a step says how far it is: all that a step's code has to know of the engine."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """How a running step says how far it is."""

    def __call__(self, fraction: float, text: str = "") -> None:
        """Report ``fraction`` (0..1) of the work as done; ``text`` is a few words, such as ``image 3 of 32``."""
