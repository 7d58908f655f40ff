"""From an image to the model's input: the one preprocessing for calibration, verification, evaluation and preview.

Use: ``preprocess(image, ImageSpec(shape=(1, 3, 512, 1024), mean=..., std=...))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.toolkit.detection.letterbox import Placement, place

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from recipebuild.toolkit.calibration.spec import ImageSpec


def to_rgb(image: Image.Image) -> Image.Image:
    """The image with three 8-bit channels.

    Transparency is dropped. Sixteen bits per channel become eight by keeping the high byte, as OpenCV does it (PIL
    would saturate grey values above 255). An EXIF orientation is *not* applied: pixels are taken as they are stored.
    """
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        import numpy as np
        from PIL import Image

        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    return image.convert("RGB")


def to_color(image: Image.Image, color: str) -> Image.Image:
    """The image with the channels of ``color``, 8 bits each; those of BGR are in the order of RGB.

    Grey is ``(299 R + 587 G + 114 B) / 1000`` (ITU-R BT.601, PIL's). An image without transparency is opaque, 255.
    """
    if color == "GRAY":
        return image if image.mode == "L" else to_rgb(image).convert("L")
    if color == "RGBA":
        return image.convert("RGBA") if image.mode in ("RGBA", "LA", "PA", "P") else to_rgb(image).convert("RGBA")
    return to_rgb(image)


def preprocess(image: Image.Image, spec: ImageSpec) -> npt.NDArray[np.float32]:
    """The model's input for one image: float32 ``[1, C, H, W]``, ``(x - mean) / std`` with ``x`` in 0..255.

    Resizing is PIL's bilinear filter on 8-bit pixels (antialiased when it shrinks). By default it is to the exact size,
    without regard to the aspect ratio, as ``SegformerImageProcessor`` of transformers does it.
    """
    import numpy as np

    pixels = to_pixels(image, spec)[0]
    normalized = (pixels - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    return np.ascontiguousarray(normalized.transpose(2, 0, 1)[np.newaxis])


def to_pixels(image: Image.Image, spec: ImageSpec) -> npt.NDArray[np.uint8]:
    """What a compiled model is fed, whose mean and std are inside it: uint8 ``[1, H, W, C]``, scaled as above."""
    import numpy as np

    pixels = np.asarray(fit(image, spec)).reshape(spec.size[1], spec.size[0], -1)
    if spec.color == "BGR":
        pixels = pixels[:, :, ::-1]
    return np.ascontiguousarray(pixels[np.newaxis])


def placement(image: tuple[int, int], spec: ImageSpec) -> Placement:
    """Where an image of this width and height lies in the input."""
    return place(image, spec.size, letterbox=spec.resize == "letterbox", corner=spec.align == "top-left")


def fit(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """The image with the input's channels, 8 bits each, in its size: scaled, and padded where it is letterboxed."""
    from PIL import Image

    image = to_color(image, spec.color)
    placed = placement(image.size, spec)
    if image.size != (placed.width, placed.height):
        image = image.resize((placed.width, placed.height), Image.Resampling.BILINEAR)
    if image.size == spec.size:
        return image
    padded = Image.new(image.mode, spec.size, {"L": spec.pad_value}.get(image.mode, (spec.pad_value,) * 3))
    padded.paste(image, (placed.left, placed.top))
    return padded
