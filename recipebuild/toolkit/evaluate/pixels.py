"""What an image-to-image network gives, as an image.

A network's image is as its input is: of the same order of channels, mean and standard deviation. One channel is a matte
of 0..1. ``as_pixels(values, spec)`` gives what a file of it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recipebuild.toolkit.calibration.spec import ImageSpec

    Pixels = npt.NDArray[np.uint8]

_WHITE = 255


@dataclass(frozen=True)
class Target:
    """What a network should make of an image.

    Attributes:
        pixels: uint8 ``[H, W, 3]``, RGB.
        factor: How many times as large as the image it is.
    """

    pixels: Pixels
    factor: int


def as_pixels(values: npt.NDArray[np.float32], spec: ImageSpec) -> Pixels:
    """A network's image as files hold it: uint8 ``[h, w, 3]``, RGB, or ``[h, w, 1]``, rounded, within 0..255.

    Args:
        values: ``[3, h, w]`` or ``[1, h, w]``.
        spec: The network's input, before its channels were exchanged.
    """
    import numpy as np

    if len(values) == 1:
        pixels = values * _WHITE
    else:
        mean, std = (np.array(each, np.float32).reshape(3, 1, 1) for each in (spec.mean, spec.std))
        pixels = values * std + mean
        pixels = pixels[::-1] if spec.color == "BGR" else pixels
    return np.ascontiguousarray(np.clip(np.rint(pixels), 0, _WHITE).astype(np.uint8).transpose(1, 2, 0))


def fitting(target: Target, like: Pixels, spec: ImageSpec) -> Pixels:
    """The target's pixels in the size and number of channels of ``like``, which the network gave.

    They are scaled as the input is, so that what a network makes of a smaller image is held against a smaller target.

    Raises:
        StepError: If the network enlarges by another factor.
    """
    import numpy as np
    from PIL import Image

    height, width = like.shape[:2]
    if (height, width) != (target.factor * spec.shape[2], target.factor * spec.shape[3]):
        raise StepError(
            f"the network makes {width}x{height} of {spec.shape[3]}x{spec.shape[2]}, and the targets are "
            f"{'as large as' if target.factor == 1 else f'{target.factor} times'} their images",
            field="evaluate.dataset",
            remedy="use images and targets with the network's own scale factor",
        )
    image = Image.fromarray(target.pixels)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image.convert("L") if like.shape[2] == 1 else image)
    return pixels.reshape(like.shape)
