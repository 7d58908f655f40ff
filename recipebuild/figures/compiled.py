"""The figures of the steps compile, of either toolchain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recipebuild.figures.values import others


@dataclass(frozen=True)
class Compiled:
    """What came of compiling.

    Attributes:
        bytes: The compiled model's size.
        max_cycle: Cycles by Pulsar2's estimate.
        share_16bit: Of the embedded toolchain: the share of multiply-adds with 16 bits.
        quantized_nodes: Of the embedded toolchain: how many nodes were quantized.
        qdq_pairs: Of the embedded toolchain: how many activations were quantized.
        method: How ranges were chosen.
        npu_perf: What Pulsar2 estimates of the time: ``engines``, ``traffic``, ``operators``.
        precisions: How many layers have each precision.
        more: All else that the toolchain says.
    """

    bytes: int
    max_cycle: int | None = None
    share_16bit: float | None = None
    quantized_nodes: int | None = None
    qdq_pairs: int | None = None
    method: str | None = None
    npu_perf: Mapping[str, Any] | None = None
    precisions: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = others()
