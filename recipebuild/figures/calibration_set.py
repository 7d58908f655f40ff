"""The figures of the step calibrate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationSet:
    """The images that ranges are measured on.

    Attributes:
        images: How many there are.
        bytes: Their size in all.
        smallest: The smallest one's size: ``640x480``, width by height.
        largest: The largest one's size.
        warnings: Why they may be a bad choice.
    """

    images: int
    bytes: int
    smallest: str
    largest: str
    warnings: Sequence[str]
