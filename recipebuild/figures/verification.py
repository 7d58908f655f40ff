"""The figures of the step verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict


class Stage(TypedDict):
    """How far a stage's model is from the reference; the figures are those of ``toolkit/graph/compare.py``."""

    stage: str
    absolute: float | None
    relative: float | None
    agreement: float | None


@dataclass(frozen=True)
class Verification:
    """How far the models of a build are from the one that it starts from.

    Attributes:
        images: The names of the images that were compared.
        reference: ``PyTorch`` or ``ONNX``.
        warnings: In what the recipe's preprocessing is not the model's own.
        classes_seen: How many classes the reference gives; none where it has no classes.
        before_resize: Where the head is before the resize: the share of pixels (0..1) of the same class once enlarged.
        relative: The largest max|a - b| / max|b| of a stage; ``None`` if none has values.
        agreement: The smallest fraction of equal class ids of a stage; ``None`` if none has classes.
        stages: The same of each stage.
    """

    images: Sequence[str]
    reference: str
    warnings: Sequence[str]
    relative: float | None
    agreement: float | None
    stages: Sequence[Stage]
    classes_seen: int | None = None
    before_resize: float | None = None
