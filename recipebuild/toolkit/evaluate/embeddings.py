"""How near embeddings of texts are to another model's, and whether they find the same neighbours.

    score = Embeddings()
    rows = score.compared(np.stack([score.count(truth, answer) for truth, answer in pairs]))
    score.figures(rows.sum(axis=0))      # {"cosine": 0.998, "retrieval": 0.97}

Retrieval is against the other model: of how many texts the nearest other text, by cosine, is the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.evaluate.answers import Answer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Row = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Embeddings:
    """Truth is another model's answer for the same text."""

    def count(self, truth: Answer, answer: Answer) -> Row:
        """Both embeddings, ``[2 C]``; for ``compared``, as a text's neighbours are among all texts."""
        import numpy as np

        assert truth.values is not None and answer.values is not None, "embeddings are values"  # noqa: S101
        if truth.values.size != answer.values.size:
            raise StepError(f"one model gives {truth.values.size} values for a text, another {answer.values.size}")
        return np.concatenate([truth.values.ravel(), answer.values.ravel()]).astype(np.float64)

    def compared(self, rows: Row) -> Row:
        """What each text adds, ``[texts, 3]``: 1, its cosine, and whether it has the neighbour that it should have.

        A single text has no neighbour: then the last is NaN.
        """
        import numpy as np

        truth, answer = (_unit(half) for half in np.split(rows, 2, axis=1))
        cosine = np.minimum((truth * answer).sum(axis=1), 1.0)
        same = _nearest(truth) == _nearest(answer) if len(rows) > 1 else np.full(1, np.nan)
        return np.stack([np.ones(len(rows)), cosine, same], axis=1)

    def figures(self, sums: Row) -> dict[str, Array]:
        """``cosine`` (-1..1) and ``retrieval`` (0..1), means over texts."""
        return {name: sums[..., at] / sums[..., 0] for at, name in enumerate(("cosine", "retrieval"), 1)}


def _unit(vectors: Row) -> Row:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny))


def _nearest(vectors: Row) -> Array:
    """For each the number of the most similar other one."""
    import numpy as np

    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return np.asarray(similar.argmax(axis=1))
