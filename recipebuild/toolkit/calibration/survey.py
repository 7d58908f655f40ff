"""What is worth knowing of a set of calibration images before an hour of compilation is spent on it.

Use: ``concerns([survey(name, data, image), ...], width, height)`` with the model's input size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recipebuild.toolkit.calibration.likeness import look, strangers, twins
from recipebuild.toolkit.calibration.preprocess import to_rgb

if TYPE_CHECKING:
    from PIL import Image

    from recipebuild.toolkit.calibration.likeness import Look

TURNED = "marked as rotated by EXIF, which is not applied: they are used as stored"

_EXIF_ORIENTATION = 0x0112
_MAX_STRETCH = 1.5
_NAMED = 3
_ENOUGH = 16


@dataclass(frozen=True)
class ImageFacts:
    """One image, as it is stored.

    Attributes:
        name: Its name.
        bytes: The size of its file.
        width: In pixels.
        height: In pixels.
        grey: Whether it has no colour, whatever its mode.
        turned: Whether an EXIF tag asks viewers to rotate or mirror it.
        plain: Whether all its pixels are the same.
        look: What it looks like from afar; see ``likeness.py``.
    """

    name: str
    bytes: int
    width: int
    height: int
    grey: bool
    turned: bool
    plain: bool
    look: Look = field(repr=False, compare=False)


def survey(name: str, data: bytes, image: Image.Image) -> ImageFacts:
    """The facts of ``image``, which was decoded from ``data``."""
    from PIL import ImageChops

    red, green, blue = to_rgb(image).split()
    grey = not (ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox())
    plain = all(low == high for low, high in (red.getextrema(), green.getextrema(), blue.getextrema()))
    return ImageFacts(name, len(data), image.width, image.height, grey, is_turned(image), plain, look(image))


def is_turned(image: Image.Image) -> bool:
    """Whether an EXIF tag asks viewers to rotate or mirror an image."""
    return bool(image.getexif().get(_EXIF_ORIENTATION, 1) != 1)


def concerns(facts: Sequence[ImageFacts], width: int, height: int, *, letterbox: bool = False) -> list[str]:
    """One line for each way in which images differ from what the model, with an input of this size, will see."""

    def stretched(image: ImageFacts) -> bool:
        ratio = (image.width * height) / (image.height * width)
        return not letterbox and max(ratio, 1 / ratio) > _MAX_STRETCH

    def small(image: ImageFacts) -> bool:
        return image.width < width and image.height < height

    looks = {image.name: image.look for image in facts if not image.plain}
    same, far = (set(find(looks)) if looks else set() for find in (twins, strangers))
    checks: list[tuple[Callable[[ImageFacts], bool], str, str]] = [
        (lambda image: image.grey, "RB205", "grey, and tell nothing of colours"),
        (stretched, "RB206", f"stretched by more than {_MAX_STRETCH} to fit {width}x{height}"),
        (small, "RB207", f"smaller than {width}x{height}: enlarged, they lack detail"),
        (lambda image: image.plain, "RB208", "of a single colour, and tell nothing"),
        (
            lambda image: image.name in same,
            "RB209",
            "nearly the same as others, and tell little more (select: diverse)",
        ),
        (lambda image: image.name in far, "RB210", "far from all others: see that they are what the model will get"),
        (lambda image: image.turned, "RB211", TURNED),
    ]
    warnings = []
    for check, code, text in checks:
        names = [image.name for image in facts if check(image)]
        if names:
            listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
            warnings.append(f"{code} {len(names)} of {len(facts)} images are {text}: {listed}")
    if len(facts) < _ENOUGH:
        warnings.append(f"RB204 {len(facts)} images are few: the ranges of activations depend on which; 32 is usual")
    return warnings
