"""The board against the host: how far the outputs of one model are apart, image by image.

ArgMax agreement is the fraction of equal class ids; cosine is <a, b> / (|a| |b|) over a tensor's elements, and 0.98 or
more is what Pulsar2's documentation takes as normal (page ``precision_debug_guides``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


@dataclass
class Agreement:
    """Sums over images; ask it for the figures of each output.

    Attributes:
        same: For each integer output, equal elements and all elements.
        cosines: For each floating-point output, the cosine of each image.
    """

    same: dict[str, tuple[int, int]] = field(default_factory=dict)
    cosines: dict[str, list[float]] = field(default_factory=dict)

    def add(self, names: Sequence[str], board: Sequence[Array], host: Sequence[Array]) -> None:
        """Count one image's outputs."""
        for name, got, right in zip(names, board, host, strict=True):
            if right.dtype.kind in "iu":
                equal, total = self.same.get(name, (0, 0))
                self.same[name] = (equal + int((got == right).sum()), total + right.size)
            else:
                self.cosines.setdefault(name, []).append(cosine(got, right))

    def figures(self) -> dict[str, Any]:
        """``agreement`` and ``cosine`` of each output: fractions 0..1; of cosines the lowest and the mean."""
        return {
            "agreement": {name: round(equal / total, 6) for name, (equal, total) in self.same.items()},
            "cosine": {
                name: {"min": round(min(values), 6), "mean": round(sum(values) / len(values), 6)}
                for name, values in self.cosines.items()
            },
        }


def cosine(a: Array, b: Array) -> float:
    """The cosine of two tensors, in float64; 1 if both are zero, 0 if one is, or if one has NaN."""
    import numpy as np

    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    if lengths == 0:
        return float(not x.any() and not y.any())
    value = float(x @ y) / lengths
    return max(-1.0, min(1.0, value)) if np.isfinite(value) else 0.0  # rounding passes 1
