"""The figures of the step lint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict


class EstimatedMs(TypedDict):
    """Milliseconds that one image may take on the chip, and the range of four models in five."""

    ms: float
    low: float
    high: float


@dataclass(frozen=True)
class Linted:
    """What is known beforehand of the graph on its chip.

    Attributes:
        hardware: The chip.
        npu_mode: How many of its cores.
        findings: How many things the chip does not support, or runs slowly.
        warnings: Those that must be known.
        estimated_ms: From public measurements; ``None`` where nobody published any of the chip.
    """

    hardware: str
    npu_mode: str
    findings: int
    warnings: Sequence[str] = ()
    estimated_ms: EstimatedMs | None = None
