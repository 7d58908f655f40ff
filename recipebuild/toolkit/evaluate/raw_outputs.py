"""How near the outputs of a model of any kind are to another model's: each output by itself.

    score = RawOutputs(("probability", "state"))
    sums = sum(score.count(truth, answer) for truth, answer in pairs)
    score.by_output(sums)    # {"probability": {"cosine": 0.99, "snr": 31.0}, "state": {"cosine": 0.98, "snr": 27.3}}
    score.figures(sums)      # {"cosine": 0.98, "snr": 27.3}: of the output that is worst

Counts add up over samples, as those of ``scores.py`` do. The cosine of two single numbers tells their signs alone: of
an output of one value, such as a probability, it is that of its values for all samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.scores import cosine_of, snr_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Row = npt.NDArray[np.float64]

_EACH = 5
"""Counts of each output."""
SNR = 100.0
"""dB: as much as any output has, and those that are equal; none has less than the negative of it."""


@dataclass(frozen=True)
class RawOutputs:
    """Truth is another model's answer for the same sample.

    Attributes:
        names: Those of the outputs, in their order.
    """

    names: tuple[str, ...]

    def count(self, truth: Answer, answer: Answer) -> Row:
        """1, then of each output the cosine, the SNR (dB), and, of one of a single value, a b, a a and b b."""
        import numpy as np

        pairs = zip(truth.outputs, answer.outputs, strict=True)
        return np.array([1.0, *(figure for a, b in pairs for figure in (*_figures(a, b), *_products(a, b)))])

    def figures(self, sums: Row) -> dict[str, Array]:
        """``cosine`` (-1..1) and ``snr`` (dB): means over samples, of the output where they are lowest."""
        return {"cosine": _cosines(sums).min(axis=-1), "snr": _snrs(sums).min(axis=-1)}

    def by_output(self, sums: Row) -> dict[str, dict[str, float]]:
        """Both figures of each output."""
        return {
            name: {"cosine": float(cosine), "snr": float(snr)}
            for name, cosine, snr in zip(self.names, _cosines(sums), _snrs(sums), strict=True)
        }


def _cosines(sums: Row) -> Row:
    """Of each output, ``[..., outputs]``."""
    import numpy as np

    product, one, other = (sums[..., at::_EACH] for at in (3, 4, 5))
    lengths = np.sqrt(one * other)
    means = sums[..., 1::_EACH] / sums[..., :1]
    return np.where(lengths > 0, product / np.where(lengths > 0, lengths, 1), means)


def _snrs(sums: Row) -> Row:
    return sums[..., 2::_EACH] / sums[..., :1]


def _products(truth: Array, answer: Array) -> tuple[float, float, float]:
    """Of single values a and b the products ``a b``, ``a a`` and ``b b``; zeros of others."""
    if truth.size != 1 or answer.size != 1:
        return 0.0, 0.0, 0.0
    a, b = float(truth.item()), float(answer.item())
    return a * b, a * a, b * b


def _figures(truth: Array, answer: Array) -> tuple[float, float]:
    """Cosine and SNR of an output: 1 and ``SNR`` where both are equal, 0 and less where one is all zero."""
    import numpy as np

    if np.array_equal(truth, answer):
        return 1.0, SNR
    if truth.shape != answer.shape:
        return 0.0, -SNR
    cosine = cosine_of(truth, answer, truth.size)
    return (cosine if cosine == cosine else 0.0), float(np.clip(snr_of(truth, answer), -SNR, SNR))
