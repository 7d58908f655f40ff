"""How alike images are, by what they look like from afar: which of them cover a set, which are twins or strangers.

    looks = {name: look(image), ...}
    spread(looks, 32)          # the names of 32 images that cover all
    twins(looks), strangers(looks)

A look is 8x8 mean colours and 8x8 mean gradients of brightness, in units of 0..255. On drawn street scenes a copy with
heavy JPEG compression is 1.0 away, one that is shifted by 4 of 512 pixels 1.7, and other scenes 17 to 40.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.calibration.preprocess import to_rgb

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Look = npt.NDArray[np.float32]

TWIN = 3.0
"""Below this distance two images are nearly the same."""

_CELLS = 8
_CELL = 8
_STRANGE = 2.5
"""Times the median distance to the nearest other image."""
_LEAST_STRANGE = 20.0
_FEW = 8
"""Of fewer images none can be told to be strange."""


def look(image: Image.Image) -> Look:
    """What an image looks like from afar: float32 ``[256]``."""
    import numpy as np
    from PIL import Image

    rgb = to_rgb(image)
    colors = np.asarray(rgb.resize((_CELLS, _CELLS), Image.Resampling.BOX), np.float32)
    side = _CELLS * _CELL
    grey = np.asarray(rgb.convert("L").resize((side, side), Image.Resampling.BOX), np.float32)
    down, right = np.gradient(grey)
    edges = np.hypot(down, right).reshape(_CELLS, _CELL, _CELLS, _CELL).mean(axis=(1, 3))
    return np.concatenate([colors.ravel(), edges.ravel()]).astype(np.float32)


def spread(looks: Mapping[str, Look], count: int) -> list[str]:
    """The names of ``count`` images that cover the set: each next one is the farthest from all before.

    The first is the one nearest to the mean. This is the greedy 2-approximation of the k-center problem: T. Gonzalez,
    "Clustering to minimize the maximum intercluster distance", Theoretical Computer Science 38 (1985).
    """
    import numpy as np

    names = sorted(looks)
    table = np.stack([looks[name] for name in names])
    chosen = [int(_distances(table, table.mean(axis=0)).argmin())]
    nearest = _distances(table, table[chosen[0]])
    while len(chosen) < min(count, len(names)):
        nearest[chosen[-1]] = -1  # not again, even where all that is left are twins
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _distances(table, table[chosen[-1]]))
    return [names[i] for i in chosen]


def twins(looks: Mapping[str, Look]) -> list[str]:
    """The names of images that are nearly the same as one with an earlier name."""
    import numpy as np

    names = sorted(looks)
    table = np.stack([looks[name] for name in names])
    return [names[i] for i in range(1, len(names)) if _distances(table[:i], table[i]).min() < TWIN]


def strangers(looks: Mapping[str, Look]) -> list[str]:
    """The names of images that are far from all others, by how far the others are from each other."""
    import numpy as np

    if len(looks) < _FEW:
        return []
    names = sorted(looks)
    table = np.stack([looks[name] for name in names])
    nearest = np.array([np.delete(_distances(table, row), i).min() for i, row in enumerate(table)])
    limit = max(_LEAST_STRANGE, _STRANGE * float(np.median(nearest)))
    return [names[i] for i in np.flatnonzero(nearest > limit)]


def _distances(table: npt.NDArray[Any], row: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Root mean square of the differences."""
    import numpy as np

    return np.asarray(np.sqrt(np.square(table - row, dtype=np.float64).mean(axis=1)))
