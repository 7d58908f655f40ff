"""A picture for people: images and the masks that models give for them, side by side, with a legend.

Use: ``draw([Row(image, {"float": ids, "ground truth": label})], palette(names)).save(path)``;
``pictures(row, palette(names))`` gives what one row shows as pictures of their own.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.calibration.preprocess import to_rgb
from recipebuild.toolkit.evaluate.dataset import read_label
from recipebuild.toolkit.evaluate.layouts import Sample
from recipebuild.toolkit.evaluate.palette import IGNORED, Label
from recipebuild.toolkit.evaluate.resize import enlarge
from recipebuild.toolkit.evaluate.trainids import IGNORE

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image, ImageFont

_MAX_WIDTH = 2000
_MAX_PANEL = 640
_DIFFERING = (230, 30, 60)
_DIMMED = 0.35
_MARGIN = 16
_GAP = 6
_TITLE_SIZE = 24
_TEXT_SIZE = 18
_BACKGROUND = (255, 255, 255)
_INK = (40, 40, 40)
_CANDIDATES = 48


@dataclass(frozen=True)
class Row:
    """One image of the preview.

    Attributes:
        image: As it was read, in any mode and size.
        masks: By title, class ids ``[h, w]`` of any size, ``IGNORE`` where there is none; the same titles in all rows.
    """

    image: Image.Image
    masks: Mapping[str, npt.NDArray[Any]]


def most_varied(samples: Sequence[Sample], count: int, classes: int, seed: int) -> list[Sample]:
    """The ``count`` samples with most classes in their labels, of a few dozen that are drawn with ``seed``.

    Raises:
        StepError: If a label cannot be used.
    """
    import numpy as np

    if len(samples) > _CANDIDATES:
        samples = random.Random(seed).sample(samples, _CANDIDATES)  # noqa: S311 - a draw that can be repeated
    variety = {sample.name: len(np.setdiff1d(read_label(sample, classes), [IGNORE])) for sample in samples}
    return sorted(samples, key=lambda sample: (-variety[sample.name], sample.name))[:count]


def draw(rows: Sequence[Row], labels: Sequence[Label]) -> Image.Image:
    """The preview: a row for each image, a column for the input and for each title, a legend of the classes that occur.

    It is at most 2000 pixels wide; the same rows always give the same pixels.

    Args:
        rows: At least one.
        labels: By class id; a mask has no id beyond, but for ``IGNORE``.
    """
    from PIL import Image, ImageDraw

    titles = ["input", *rows[0].masks]
    width = min(_MAX_PANEL, (_MAX_WIDTH - 2 * _MARGIN + _GAP) // len(titles) - _GAP)
    panels = [_panels(row, width, labels) for row in rows]
    legend = _legend(_present(rows, labels), len(titles) * (width + _GAP) - _GAP)
    top = _MARGIN + 2 * _TITLE_SIZE
    height = top + sum(row[0].height + _GAP for row in panels) + legend.height + _MARGIN
    picture = Image.new("RGB", (legend.width + 2 * _MARGIN, height), _BACKGROUND)
    pen = ImageDraw.Draw(picture)
    for column, title in enumerate(titles):
        left = _MARGIN + column * (width + _GAP)
        pen.text((left + width // 2, (top + _GAP) // 2), title, _INK, _font(_TITLE_SIZE), anchor="mm")
    for row in panels:
        for column, panel in enumerate(row):
            picture.paste(panel, (_MARGIN + column * (width + _GAP), top))
        top += row[0].height + _GAP
    picture.paste(legend, (_MARGIN, top))
    return picture


def pictures(row: Row, labels: Sequence[Label]) -> dict[str, Image.Image]:
    """What a row shows, each by itself, all of one size: ``input``, the masks, and ``difference``.

    The last is there if there are masks ``float`` and ``quantized``: the image, dimmed and without colour, and in red
    each pixel in which the two differ.
    """
    import numpy as np
    from PIL import Image

    shown = dict(zip(["input", *row.masks], _panels(row, _MAX_PANEL, labels), strict=True))
    if {"float", "quantized"} <= shown.keys():
        width, height = shown["input"].size
        before, after = (enlarge(row.masks[title], height, width) for title in ("float", "quantized"))
        gray = np.asarray(shown["input"].convert("L"))[:, :, np.newaxis].repeat(3, 2)
        dimmed = (255 - _DIMMED * (255 - gray.astype(np.float32))).astype(np.uint8)
        dimmed[before != after] = _DIFFERING
        shown["difference"] = Image.fromarray(dimmed)
    return shown


def _panels(row: Row, width: int, labels: Sequence[Label]) -> list[Image.Image]:
    """The image and its masks, all of the given width.

    Masks are plain colours, not blended with the image: only so are they those of the legend, and small errors seen.
    """
    import numpy as np
    from PIL import Image

    height = min(_MAX_PANEL, max(1, round(width * row.image.height / row.image.width)))
    image = to_rgb(row.image).resize((width, height), Image.Resampling.LANCZOS)
    colors = np.full((IGNORE + 1, 3), IGNORED, np.uint8)
    colors[: len(labels)] = [label.color for label in labels]
    return [image, *(Image.fromarray(colors[enlarge(ids, height, width)]) for ids in row.masks.values())]


def _present(rows: Sequence[Row], labels: Sequence[Label]) -> list[Label]:
    """The labels of the classes in any mask, by class id."""
    import numpy as np

    ids = np.unique(np.concatenate([np.unique(mask) for row in rows for mask in row.masks.values()]))
    return [labels[i] if i != IGNORE else Label("ignored", IGNORED) for i in ids]


def _legend(labels: Sequence[Label], width: int) -> Image.Image:
    """Coloured squares with names beside them, in as many lines as they need."""
    from PIL import Image, ImageDraw

    font = _font(_TEXT_SIZE)
    line, square, x, y = 2 * _TEXT_SIZE, _TEXT_SIZE, 0, 0
    places = []
    for label in labels:
        space = 2 * square + round(font.getlength(label.name)) + square
        if x and x + space > width:
            x, y = 0, y + line
        places.append((x, y))
        x += space
    picture = Image.new("RGB", (width, y + line), _BACKGROUND)
    pen = ImageDraw.Draw(picture)
    for label, (x, y) in zip(labels, places, strict=True):
        top = y + (line - square) // 2
        pen.rectangle((x, top, x + square, top + square), label.color)
        pen.text((x + 3 * square // 2, y + line // 2), label.name, _INK, font, anchor="lm")
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
