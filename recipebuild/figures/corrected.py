"""The figures of the step correct-bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from recipebuild.figures.rewritten import Refusal


class CorrectedSite(TypedDict):
    """A product whose bias was corrected; by how many dB its weights' noise falls, on the calibration set."""

    tensor: str
    channels: int
    gain_db: float


@dataclass(frozen=True)
class CorrectedBiases:
    """What was corrected.

    Attributes:
        sites: In the order of the graph.
        refused: Products that were left as they are, and why.
        bytes: The size of the corrected model.
    """

    sites: Sequence[CorrectedSite]
    refused: Sequence[Refusal]
    bytes: int
