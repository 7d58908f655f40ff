"""The figures of the step layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layers:
    """How far the quantized model is from the float one.

    Attributes:
        images: How many were compared.
        snr_db: Of the output; ``None`` if both are equal.
        agreement: The share of equal class ids; ``None`` without classes.
        worst: The layers that lose most: ``layer``, ``module`` and ``snr_db`` of each.
        outputs: Of a model of several: ``tensor``, ``cosine``, ``snr_db`` and ``mse`` of each of its float outputs.
        warnings: Why nothing was compared.
    """

    images: int
    snr_db: float | None
    agreement: float | None
    worst: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[str] = ()
