"""Whether two sets of images look alike: brightness, contrast, colours and size, as means over a set.

Use: ``unlike([tone(image), ...], [tone(image), ...])`` gives a sentence for each way in which the first is unlike.

Ranges of activations that were measured on images unlike those that the model gets do not fit: a dark set makes them
too small, and what is brighter is clipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.calibration.preprocess import to_rgb

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 64
_STANDARD_ERRORS = 3
_TIMES_THE_SIZE = 2.0


@dataclass(frozen=True)
class Tone:
    """An image from afar.

    Attributes:
        brightness: Mean grey value, 0 to 255.
        contrast: Standard deviation of grey values, 0 to 128.
        colour: Mean of max(R, G, B) - min(R, G, B), 0 to 255.
        width: In pixels.
        height: In pixels.
    """

    brightness: float
    contrast: float
    colour: float
    width: int
    height: int


_QUALITIES = (
    ("brightness", "darker", "brighter", 20.0),
    ("contrast", "of less contrast", "of more contrast", 12.0),
    ("colour", "less colourful", "more colourful", 15.0),
)
"""Of a tone: the field, what less and more of it are called, and the least difference of means that says something."""


def tone(image: Image.Image) -> Tone:
    """The tone of an image, by a thumbnail of 64x64."""
    import numpy as np
    from PIL import Image

    small = to_rgb(image).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    rgb, grey = np.asarray(small, np.float64), np.asarray(small.convert("L"), np.float64)
    colour = float((rgb.max(axis=2) - rgb.min(axis=2)).mean())
    return Tone(float(grey.mean()), float(grey.std()), colour, image.width, image.height)


def unlike(calibration: Sequence[Tone], evaluation: Sequence[Tone]) -> Iterator[str]:
    """One line for each way in which calibration images are unlike those that are evaluated.

    Means must differ by more than images among themselves, by one standard deviation of those that are evaluated, and
    by more than three standard errors, so that a few images are not held to be unlike by chance.
    """
    import numpy as np

    for name, less, more, least in _QUALITIES:
        ours, theirs = (np.array([getattr(each, name) for each in tones]) for tones in (calibration, evaluation))
        spread = float(theirs.std())
        limit = max(least, spread, _STANDARD_ERRORS * spread / len(ours) ** 0.5)
        if abs(ours.mean() - theirs.mean()) > limit:
            how = less if ours.mean() < theirs.mean() else more
            yield (
                f"RB609 the calibration images are {how} than those that are evaluated: mean {name} {ours.mean():.0f}, "
                f"there {theirs.mean():.0f}"
            )
    ours, theirs = (
        np.median([each.width * each.height for each in tones]) ** 0.5 for tones in (calibration, evaluation)
    )
    if max(ours / theirs, theirs / ours) > _TIMES_THE_SIZE:
        how = "smaller" if ours < theirs else "larger"
        yield (
            f"RB609 the calibration images are {how} than those that are evaluated: {_size(calibration)}, "
            f"there {_size(evaluation)}"
        )


def _size(tones: Sequence[Tone]) -> str:
    """The size of the middle one."""
    middle = sorted(tones, key=lambda each: each.width * each.height)[len(tones) // 2]
    return f"{middle.width}x{middle.height}"
