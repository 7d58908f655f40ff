"""What is true of an image: the objects in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Truth:
    """The objects in one image.

    Attributes:
        boxes: float64 ``[m, 4]``: x1, y1, x2, y2 in pixels of the image.
        ids: Class ids, int64 ``[m]``.
        crowd: bool ``[m]``: those that stand for many objects (COCO's ``iscrowd``) or may be missed (VOC's
            ``difficult``): what is detected there is neither right nor wrong.
        size: Width and height of the image.
    """

    boxes: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_]
    size: tuple[int, int]
