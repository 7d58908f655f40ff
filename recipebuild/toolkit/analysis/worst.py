"""The part of a picture where a quantized model is furthest from the float one, for people to look at.

Use: ``draw(image, worst_region(expected, got, class_axis, labels)).save("layers.png")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.calibration.preprocess import to_rgb

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from recipebuild.toolkit.evaluate.palette import Label

    Array = npt.NDArray[Any]
    Pixels = npt.NDArray[np.uint8]

_WIDTH = 480
_GAP = 6
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Region:
    """Half the height and half the width of the models' maps.

    Attributes:
        box: Left, top, right, bottom, as fractions of the image.
        expected: uint8 [h, w, 3]: what the float model gives there, in colours.
        got: The same of the quantized model.
        wrong: uint8 [h, w, 3]: how much they differ there; black is not at all.
        loss: The mean difference there: the share of pixels (0..1), or relative to the map's largest value.
    """

    box: tuple[float, float, float, float]
    expected: Pixels
    got: Pixels
    wrong: Pixels
    loss: float


def worst_region(expected: Array, got: Array, class_axis: int | None, labels: Sequence[Label] = ()) -> Region | None:
    """The region of the first image of a batch with most differences; ``None`` if the models do not give a map.

    Args:
        expected: What the float model gives: [N, C, h, w] of classes, [N, 1, h, w] or [N, h, w].
        got: The same of the quantized one.
        class_axis: The axis of the classes; ``None`` if it is a map of numbers.
        labels: Of the classes, if there are any.
    """
    import numpy as np

    if class_axis is not None and expected.ndim == 4:
        colors = np.array([label.color for label in labels], np.uint8)
        maps = [array[:1].argmax(class_axis).squeeze() for array in (expected, got)]
        differs = (maps[0] != maps[1]).astype(np.float64)
        views = [colors[ids] for ids in maps]
    elif expected.ndim == 3 or (expected.ndim == 4 and expected.shape[1] == 1):
        maps = [array[0].reshape(expected.shape[-2:]) for array in (expected, got)]
        low, high = float(maps[0].min()), float(maps[0].max())
        differs = np.minimum(np.abs(maps[0] - maps[1]) / (np.abs(maps[0]).max() or 1.0), 1.0).astype(np.float64)
        views = [_grey((values - low) / ((high - low) or 1.0)) for values in maps]
    else:
        return None
    if differs.ndim != 2:
        return None
    height, width = differs.shape
    tall, wide = max(1, height // 2), max(1, width // 2)
    sums = np.pad(differs, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    windows = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = (int(i) for i in np.unravel_index(windows.argmax(), windows.shape))
    part = np.s_[top : top + tall, left : left + wide]
    box = (left / width, top / height, (left + wide) / width, (top + tall) / height)
    return Region(box, views[0][part], views[1][part], _grey(differs[part]), float(differs[part].mean()))


def draw(image: Image.Image, region: Region) -> Image.Image:
    """The region side by side: image, float model, quantized model, difference."""
    from PIL import Image

    left, top, right, bottom = region.box
    cut = to_rgb(image).crop(
        (
            round(left * image.width), round(top * image.height),
            max(round(left * image.width) + 1, round(right * image.width)),
            max(round(top * image.height) + 1, round(bottom * image.height)),
        )
    )  # fmt: skip
    height = max(1, round(_WIDTH * cut.height / cut.width))
    panels = [cut.resize((_WIDTH, height), Image.Resampling.BILINEAR)]
    panels += [
        Image.fromarray(picture).resize((_WIDTH, height), Image.Resampling.NEAREST)
        for picture in (region.expected, region.got, region.wrong)
    ]
    picture = Image.new("RGB", (len(panels) * (_WIDTH + _GAP) - _GAP, height), _WHITE)
    for column, panel in enumerate(panels):
        picture.paste(panel, (column * (_WIDTH + _GAP), 0))
    return picture


def _grey(values: Array) -> Pixels:
    """Values of 0..1 as shades of grey."""
    import numpy as np

    shades = np.clip(np.round(255 * values), 0, 255).astype(np.uint8)
    return np.repeat(shades[..., np.newaxis], 3, axis=-1)
