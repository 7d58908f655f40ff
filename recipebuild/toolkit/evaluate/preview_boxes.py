"""A picture for people: images with boxes, those of the truth and those of models side by side.

Use: ``sheet([{"float": drawn(image, boxes, colors, texts), ...}, ...]).save(path)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recipebuild.toolkit.calibration.preprocess import to_rgb

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

SIDE = 640
"""Largest width and height of a panel, in pixels."""

_MARGIN = 16
_GAP = 6
_TITLE = 24
_TEXT = 12
_LINE = 2
_BACKGROUND = (255, 255, 255)
_INK = (40, 40, 40)


def drawn(
    image: Image.Image, boxes: npt.NDArray[np.float64], colors: Sequence[tuple[int, int, int]], texts: Sequence[str]
) -> Image.Image:
    """The image, at most ``SIDE`` wide and high, with a frame and a text for each box; the last of them on top.

    Args:
        image: Of any mode and size.
        boxes: ``[n, 4]``: x1, y1, x2, y2 in pixels of the image.
        colors: Of each box.
        texts: Of each box; an empty one is not written.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = min(SIDE / image.width, SIDE / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    panel = to_rgb(image).resize(size, Image.Resampling.LANCZOS)
    pen, font = ImageDraw.Draw(panel), ImageFont.load_default(_TEXT)
    for box, color, text in zip((boxes * scale).tolist(), colors, texts, strict=True):
        pen.rectangle(box, outline=color, width=_LINE)
        if text:
            place = box[0] + _LINE, max(0, box[1] - _TEXT - _LINE)
            pen.rectangle(pen.textbbox(place, text, font), fill=color)
            pen.text(place, text, _BACKGROUND if sum(color) < 384 else _INK, font)
    return panel


def sheet(rows: Sequence[Mapping[str, Image.Image]]) -> Image.Image:
    """A row for each image and a column for each title; all rows have the same titles, and at least one is there."""
    from PIL import Image, ImageDraw, ImageFont

    titles = list(rows[0])
    width = max(panel.width for row in rows for panel in row.values())
    heights = [max(panel.height for panel in row.values()) for row in rows]
    top = _MARGIN + 2 * _TITLE
    size = 2 * _MARGIN + len(titles) * (width + _GAP) - _GAP, top + sum(heights) + len(rows) * _GAP + _MARGIN
    picture = Image.new("RGB", size, _BACKGROUND)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(_TITLE)
    lefts = [_MARGIN + column * (width + _GAP) for column in range(len(titles))]
    for left, title in zip(lefts, titles, strict=True):
        pen.text((left + width // 2, top // 2), title, _INK, font, anchor="mm")
    for row, height in zip(rows, heights, strict=True):
        for left, title in zip(lefts, titles, strict=True):
            picture.paste(row[title], (left, top))
        top += height + _GAP
    return picture
