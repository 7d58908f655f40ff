"""The figures of the step equalize."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from recipebuild.figures.rewritten import Refusal


class EqualizedSite(TypedDict):
    """A tensor whose channels were scaled; what it wins in dB of signal to noise, predicted and measured."""

    technique: str
    tensor: str
    channels: int
    predicted_db: float
    measured_db: float


@dataclass(frozen=True)
class Equalized:
    """What was equalized.

    Attributes:
        sites: In the order of techniques, then of the graph.
        refused: Places that were left as they are, and why.
        rolled_back: Tensors that were taken back, as the model then gave something else.
        relative: The largest change of an output: root mean square over root mean square.
        bytes: The size of the equalized model.
    """

    sites: Sequence[EqualizedSite]
    refused: Sequence[Refusal]
    rolled_back: Sequence[str]
    relative: float
    bytes: int
