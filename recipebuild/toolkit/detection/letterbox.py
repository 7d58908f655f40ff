"""Where an image lies in the network's input, and boxes back to the image. A bundle takes this file to the board.

Use: ``placed = place((1920, 1080), (640, 640), letterbox=True)``: 640x360 pixels, 140 rows below the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Placement:
    """The part of the input that the image fills, in pixels.

    Attributes:
        width: Of the scaled image.
        height: Of the scaled image.
        left: Columns of padding before it.
        top: Rows of padding above it.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0


def place(image: tuple[int, int], size: tuple[int, int], *, letterbox: bool, corner: bool = False) -> Placement:
    """Where an image lies.

    Letterboxed it keeps its aspect ratio and is as large as fits, as in Ultralytics' ``LetterBox``: in the middle,
    and of an odd number of rows or columns of padding the one more comes after it. Else it fills the input.

    Args:
        image: Its width and height.
        size: Width and height of the input.
        letterbox: Whether it keeps its aspect ratio.
        corner: Whether it lies in the upper left corner, and all padding comes after it.
    """
    if not letterbox:
        return Placement(*size)
    scale = min(size[0] / image[0], size[1] / image[1])
    width, height = (max(1, round(side * scale)) for side in image)
    if corner:
        return Placement(width, height)
    return Placement(width, height, (size[0] - width) // 2, (size[1] - height) // 2)


def to_image(boxes: npt.NDArray[Any], placed: Placement, image: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Boxes in pixels of the input as boxes in pixels of the image, cut at its edges.

    Args:
        boxes: ``x1, y1, x2, y2``, ``[n, 4]``.
        placed: Where the image lies in the input.
        image: Its width and height.
    """
    import numpy as np

    offset = np.array([placed.left, placed.top] * 2)
    scale = np.array([image[0] / placed.width, image[1] / placed.height] * 2)
    return np.asarray(np.clip((boxes.astype(np.float64) - offset) * scale, 0, [*image, *image]), np.float64)
