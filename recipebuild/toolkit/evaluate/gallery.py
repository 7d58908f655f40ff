"""Pictures side by side with a title above each column, for networks that make images.

Use: ``gallery([{"input": image, "float": image, "quantized": image}]).save(path)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Pixels = npt.NDArray[np.uint8]

STRONGER = 10
"""How much stronger than they are differences are shown: one step of 8 bits is not to be seen."""
_MAX_WIDTH = 2000
_MAX_PANEL = 640
_MARGIN = 16
_GAP = 6
_TITLE_SIZE = 24
_BACKGROUND = (255, 255, 255)
_INK = (40, 40, 40)


def picture(pixels: Pixels) -> Image.Image:
    """uint8 ``[h, w, 3]`` or ``[h, w, 1]`` as a picture for a page: RGB, at most 640 pixels high and wide."""
    from PIL import Image

    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).convert("RGB")
    image.thumbnail((_MAX_PANEL, _MAX_PANEL), Image.Resampling.LANCZOS)
    return image


def difference(one: Pixels, other: Pixels) -> Pixels:
    """How far two images of one shape are apart: their absolute difference, ``STRONGER`` times, at most 255."""
    import numpy as np

    apart = np.abs(one.astype(np.int32) - other.astype(np.int32))
    return np.asarray(np.minimum(STRONGER * apart, 255), np.uint8)


def gallery(rows: Sequence[Mapping[str, Image.Image]]) -> Image.Image:
    """The pictures of all rows, at most 2000 pixels wide; the same rows always give the same pixels.

    Args:
        rows: At least one; by title, the same titles in all rows. The pictures of a row are of one size.
    """
    from PIL import Image, ImageDraw, ImageFont

    titles = list(rows[0])
    widest = max(next(iter(row.values())).width for row in rows)
    width = min(widest, (_MAX_WIDTH - 2 * _MARGIN + _GAP) // len(titles) - _GAP)
    width = max(width, 8 * _TITLE_SIZE)
    top = _MARGIN + 2 * _TITLE_SIZE
    heights = [round(width * one.height / one.width) for one in (next(iter(row.values())) for row in rows)]
    size = (2 * _MARGIN + len(titles) * (width + _GAP) - _GAP, top + sum(heights) + _GAP * len(rows) + _MARGIN)
    drawn = Image.new("RGB", size, _BACKGROUND)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(_TITLE_SIZE)
    for column, title in enumerate(titles):
        left = _MARGIN + column * (width + _GAP)
        pen.text((left + width // 2, (top + _GAP) // 2), title, _INK, font, anchor="mm")
        y = top
        for row, height in zip(rows, heights, strict=True):
            drawn.paste(row[title].resize((width, height), Image.Resampling.BICUBIC), (left, y))
            y += height + _GAP
    return drawn
