"""The figures of the step sensitivity, which ``sensitivity.json`` has, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict


class OutputError(TypedDict):
    """How far the output is from the float model's.

    Attributes:
        noise: sum((a - b)^2) / sum(a^2).
        snr_db: The same in dB; ``None`` without noise.
        agreement: The share of equal class ids, 0..1; ``None`` without classes.
    """

    noise: float
    snr_db: float | None
    agreement: float | None


class BlockRow(TypedDict):
    """What a block loses by 8 bits.

    Attributes:
        block: Its name.
        module: The module that selects its layers; ``None`` if only their names do.
        layers: The names of its layers that can be in 16 bit.
        share: Its multiply-adds, as a share of the model's, 0..1.
        alone: The output with this block alone in 8 bit.
        without: The output with all but this block in 8 bit.
    """

    block: str
    module: str | None
    layers: Sequence[str]
    share: float
    alone: OutputError
    without: OutputError


@dataclass(frozen=True)
class Sensitivity:
    """What each block of the model loses by 8 bits, and would win by 16.

    Attributes:
        images: How many it was measured on.
        full: The output with all blocks quantized.
        none: The output with no block quantized: what weights lose.
        blocks: One entry for each block, that with most to win first.
    """

    images: int
    full: OutputError
    none: OutputError
    blocks: Sequence[BlockRow]
