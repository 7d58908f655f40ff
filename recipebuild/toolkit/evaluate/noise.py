"""How much of a figure is chance: whether it would be the same on other images of the same kind.

interval         the percentile bootstrap over images: B. Efron, "Bootstrap Methods: Another Look at the Jackknife",
                 Ann. Statist. 7 (1979)
difference       the same for two models, image by image in pairs, so that what both find hard is no difference
pseudo_values    the jackknife's, one number an image: J. Tukey, "Bias and confidence in not-quite large samples", 1958;
                 ``paired`` compares two models by them where the counts are gone

All are for 95 %, and the same for the same counts on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Row = npt.NDArray[np.float64]
    Figure = Callable[[Row], npt.NDArray[Any]]

RESAMPLES = 1000
_AT_ONCE = 50
_TAILS = (2.5, 97.5)
_NORMAL = 1.96
"""Of the normal distribution: so many standard errors on either side are 95 %."""


def interval(counts: Row, figure: Figure) -> tuple[float, float] | None:
    """Lowest and highest value of a figure, with 95 % confidence; ``None`` if there is but one image, or no figure.

    Args:
        counts: ``[images, k]``, a row per image.
        figure: The figure of sums ``[draws, k]``: ``[draws]``.
    """
    return _percentiles(figure(sums) for sums in _draws(counts)) if len(counts) > 1 else None


def difference(first: Row, second: Row, figure: Figure, of_first: Figure | None = None) -> tuple[float, float] | None:
    """Lowest and highest value, with 95 % confidence, of the second model's figure less the first's.

    Args:
        first: ``[images, k]`` of one model.
        second: The same images' of another.
        figure: As in ``interval``.
        of_first: That of the first model, where it is another function.
    """
    if len(first) < 2:
        return None
    pairs = zip(_draws(first), _draws(second), strict=True)
    earlier = of_first or figure
    return _percentiles(figure(after) - earlier(before) for before, after in pairs)


def pseudo_values(counts: Row, figure: Figure) -> list[float]:
    """``n f(all) - (n - 1) f(all but one)`` for each image: their mean is the figure, their spread its error."""
    total = counts.sum(axis=0)
    n = len(counts)
    values = n * figure(total[None]) - (n - 1) * figure(total - counts)
    return [float(value) for value in values]


def paired(first: Sequence[float], second: Sequence[float]) -> tuple[float, float] | None:
    """As ``difference``, from pseudo-values: the mean difference and its standard error; ``None`` of one image."""
    import numpy as np

    gain = np.subtract(second, first)
    if len(gain) < 2:
        return None
    mean, half = float(gain.mean()), _NORMAL * float(gain.std(ddof=1)) / len(gain) ** 0.5
    return mean - half, mean + half


def is_noise(bounds: tuple[float, float] | None) -> bool:
    """Whether a difference between these bounds may well be none."""
    return bounds is None or bounds[0] <= 0 <= bounds[1]


def _draws(counts: Row) -> Iterator[Row]:
    """Sums over as many images as there are, drawn with replacement: the same draws for as many images."""
    import numpy as np

    random = np.random.default_rng(0)
    n = len(counts)
    for start in range(0, RESAMPLES, _AT_ONCE):
        times = random.multinomial(n, np.full(n, 1 / n), size=min(_AT_ONCE, RESAMPLES - start))
        yield times @ counts


def _percentiles(values: Iterator[npt.NDArray[Any]]) -> tuple[float, float] | None:
    import numpy as np

    finite = np.concatenate(list(values))
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return None
    low, high = np.percentile(finite, _TAILS)
    return float(low), float(high)
