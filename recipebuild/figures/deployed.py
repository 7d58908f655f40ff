"""The figures of the step deploy, which ``deploy.json`` has, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recipebuild.figures.values import others


@dataclass(frozen=True)
class Deployed:
    """What was measured on a board.

    Attributes:
        board: Its name.
        model: What ran: ``sha256``, ``input``, ``npu_mode``, ``toolchain`` and ``costs``.
        copied: The files that were copied there.
        latency_ms: ``min``, ``avg``, ``max``, percentiles, and how many ``calls``.
        cmm_bytes: Memory of the NPU that the model takes; ``None`` where it is not told.
        versions: What the board's program says of itself.
        images: How many were compared with the host.
        agreement: By output, the share of equal class ids, board against host.
        cosine: By output, the lowest and the mean cosine, board against host.
        warnings: What the user should know.
        sample_ms: What a program of ax-samples took.
        shapes: For each of the recipe's ``extra_shapes``: ``shape`` and ``latency_ms`` there.
        ladder: Quantization, compiler and firmware, each against the one before: the figures of ``Ladder``, whose last
            row has ``bytes_same`` (0..1) and ``images_same``, board against NPUBackend; ``None`` if there was nothing
            to simulate.
        scores: ``miou_board`` and so on, where the dataset has labels.
    """

    board: str
    model: Mapping[str, Any]
    copied: Sequence[str]
    latency_ms: Mapping[str, Any]
    cmm_bytes: int | None
    versions: Mapping[str, str]
    images: int
    agreement: Mapping[str, float]
    cosine: Mapping[str, Mapping[str, float]]
    warnings: Sequence[str]
    sample_ms: Mapping[str, Any] | None = None
    shapes: Sequence[Mapping[str, Any]] = ()
    ladder: Mapping[str, Any] | None = None
    scores: Mapping[str, float] = others()
