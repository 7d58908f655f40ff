"""YUV as a camera gives it, made of RGB: ``to_yuv(pixels, "YUV420SP", limited=False)``.

The weights are those of ITU-R BT.601: over the full range 0..255 as in ITU-T T.871 (JFIF), or limited to 16..235 for Y
and 16..240 for U and V. Pulsar2's documentation does not name the standard behind ``csc_mode``; BT.601 is what its
example of a matrix is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

_WEIGHTS = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""Rows: Y, U and V, the latter without the 128 that they are moved by; columns: R, G, B."""


def to_yuv(pixels: Pixels, format: str, *, limited: bool) -> Pixels:
    """The image as uint8 ``[1, rows, W, planes]``: ``[1, 3H/2, W, 1]`` for 4:2:0, ``[1, H, W, 2]`` for 4:2:2.

    Args:
        pixels: RGB, uint8 ``[H, W, 3]``.
        format: ``YUV420SP`` (NV12), ``YVU420SP`` (NV21), ``YUYV422`` or ``UYVY422``.
        limited: Whether values are of the limited range.

    Raises:
        StepError: If neighbours that share a colour are not all there: an odd width, or with 4:2:0 an odd height.
    """
    import numpy as np

    height, width, _ = pixels.shape
    rows = 2 if format.endswith("420SP") else 1
    if width % 2 or height % rows:
        raise StepError(
            f"an image of {height}x{width} cannot be {format}: pixels share colours in pairs",
            remedy="give input.shape an even height and width",
        )
    planes = pixels.astype(np.float64) @ np.array(_WEIGHTS).T
    if limited:
        planes *= (219 / 255, 224 / 255, 224 / 255)
    planes += (16 if limited else 0, 128, 128)
    shared = planes.reshape(height // rows, rows, width // 2, 2, 3).mean((1, 3))
    luma, first, second = (
        np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (planes[..., 0], shared[..., 1], shared[..., 2])
    )
    if format == "YVU420SP":
        first, second = second, first
    colours = np.stack([first, second], axis=-1).reshape(height // rows, width)
    if rows == 2:
        return np.concatenate([luma, colours])[np.newaxis, ..., np.newaxis]
    pair = (colours, luma) if format == "UYVY422" else (luma, colours)
    return np.stack(pair, axis=-1)[np.newaxis]
