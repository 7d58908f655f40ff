"""The bytes of an image file -> a fully decoded image, or an error that names the file.

Use: ``decode(path.read_bytes(), path.name)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.imagefile import shown

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""What is looked for in a file, whatever its name says."""

MAX_PIXELS = 80_000_000
"""Largest image: 240 MB when decoded. A small file can claim any size, so it is checked before decoding."""


def decode(data: bytes, name: str) -> Image.Image:
    """The image in ``data``, decoded to its last pixel, in the mode it was stored in.

    Raises:
        StepError: If it is no JPEG, PNG, BMP or WebP image, is truncated or damaged, or has more than ``MAX_PIXELS``.
    """
    import io

    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height <= MAX_PIXELS:
            image.load()
            return image
        reason = f"{image.width}x{image.height} pixels is too large"
    except UnidentifiedImageError:
        reason = "not a JPEG, PNG, BMP or WebP image" if data else "an empty file"
    except Exception as error:  # on damaged files PIL raises whatever its parsers stumble over
        reason = str(error) or type(error).__name__
    raise StepError(f"{shown(name)}: {reason}", remedy="replace or remove the file")
