"""A model's answer at another size: that of the labels, or of another model's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def enlarge(ids: npt.NDArray[np.int64], height: int, width: int) -> npt.NDArray[np.int64]:
    """``ids`` at another size: each pixel takes the class at its own centre (nearest neighbour)."""
    import numpy as np

    rows = (2 * np.arange(height) + 1) * ids.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * ids.shape[1] // (2 * width)
    enlarged: npt.NDArray[np.int64] = ids[rows[:, np.newaxis], columns]
    return enlarged


def inside(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``[h, w]``: 1 where a pixel has the class of all that touch it, 0 where classes meet.

    Linear enlarging does not change the class of the former: it gives means of pixels that touch.
    """
    import numpy as np

    padded = np.pad(ids, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.asarray((windows == ids[..., np.newaxis, np.newaxis]).all(axis=(2, 3)), np.int64)


def enlarge_values(values: npt.NDArray[np.float32], height: int, width: int) -> npt.NDArray[np.float32]:
    """``values`` [h, w] at another size, bilinearly (PIL's, which averages when it shrinks)."""
    import numpy as np
    from PIL import Image

    if values.shape == (height, width):
        return values
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR))
