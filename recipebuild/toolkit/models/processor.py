"""The preprocessing that a model came with, and in what a recipe's differs from it.

    own = own_processor(folder)                      # None if the folder has no such file
    own.prepare(image)                               # float32 [1, 3, h, w], as the model was trained with
    disagreements(normalization(own), spec)          # sentences: field, value here, value there

What a processor does to colours is measured on images of one colour, not read from its fields: those differ from one
class of processors to the next (rescale factors, offsets, flipped channels), what comes out does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.calibration.preprocess import to_rgb
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.models.checkpoint import read_preprocessing

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    Array = npt.NDArray[Any]

_NEAR_MEAN = 0.5
"""In units of 0..255: less than a step of a pixel changes no result."""
_NEAR_STD = 0.01
"""Of the std."""
_PROBE = (96, 96)


@dataclass(frozen=True)
class Processor:
    """A model's own preprocessing.

    Attributes:
        prepare: Image -> float32 ``[1, 3, h, w]``.
        name: What it is called.
        file: The file of the model folder that describes it.
    """

    prepare: Callable[[Image.Image], Array]
    name: str
    file: str


@dataclass(frozen=True)
class Normalization:
    """What a processor does to colours: (pixel - mean) / std, with pixels in 0..255.

    Attributes:
        mean: Of red, green and blue.
        std: Of red, green and blue.
        color: The order in which it gives them.
        file: The file that says so.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    color: str
    file: str


def own_processor(folder: Path) -> Processor | None:
    """The image processor of a model folder; ``None`` if it has none.

    Raises:
        StepError: If transformers cannot use the file that describes it.
    """
    described = read_preprocessing(folder)
    if described is None:
        return None
    file, _ = described
    from transformers import AutoImageProcessor

    try:
        # Without a backend it takes torchvision's where that is installed, which resizes a little otherwise.
        processor = AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
    except Exception as error:  # what transformers makes of a strange file
        raise StepError(f"{file} cannot be used: {reason(error)}") from error

    def prepare(image: Image.Image) -> Array:
        import numpy as np

        pixels = processor(images=to_rgb(image), return_tensors="np")["pixel_values"]
        return np.ascontiguousarray(pixels, dtype=np.float32)

    return Processor(prepare, type(processor).__name__, file)


def normalization(own: Processor) -> Normalization | None:
    """What the processor does to colours; ``None`` if it is no normalization of each channel.

    From the middle pixel that it makes of black, white and red images.
    """
    import numpy as np
    from PIL import Image

    def middle(color: str) -> Array:
        made = own.prepare(Image.new("RGB", _PROBE, color))[0].astype(np.float64)
        return np.asarray(made[:, made.shape[1] // 2, made.shape[2] // 2])

    black, white, red = middle("black"), middle("white"), middle("red")
    span = white - black
    if span.shape != (3,) or (abs(span) < np.finfo(np.float32).eps).any():
        return None
    std = 255 / span
    mean = -black * std
    order = 1 if abs((red - black) / span)[0] > 0.5 else -1
    first, second, third = (float(value) for value in mean[::order])
    stds = tuple(float(value) for value in std[::order])
    color = "RGB" if order == 1 else "BGR"
    return Normalization((first, second, third), (stds[0], stds[1], stds[2]), color, own.file)


def disagreements(own: Normalization, spec: ImageSpec) -> list[str]:
    """A sentence for each field of the recipe's input that is not what the model came with."""
    differences = []
    if spec.color != own.color:
        differences.append(f"input.color is {spec.color}, and {own.file} gives {own.color}: red and blue are exchanged")
    order = 1 if own.color == "RGB" else -1
    ours = 1 if spec.color == "RGB" else -1
    for name, mine, theirs in (("mean", spec.mean[::ours], own.mean), ("std", spec.std[::ours], own.std)):
        near = [
            abs(a - b) <= (_NEAR_MEAN if name == "mean" else _NEAR_STD * abs(b))
            for a, b in zip(mine, theirs, strict=True)
        ]
        if all(near):
            continue
        hint = ""
        if all(abs(255 * a - b) <= max(0.5, 0.02 * abs(b)) for a, b in zip(mine, theirs, strict=True)):
            hint = "; a recipe has them in units of 0..255"
        elif _same(mine[::-1], theirs):
            hint = "; red and blue are exchanged"
        values = _shown(getattr(spec, name)), _shown(theirs[::order])
        differences.append(f"input.{name} is {values[0]}, and {own.file} gives {values[1]}{hint}")
    return differences


def _same(mine: Sequence[float], theirs: Sequence[float]) -> bool:
    return all(abs(a - b) <= _NEAR_MEAN for a, b in zip(mine, theirs, strict=True))


def _shown(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{round(value, 3):g}' for value in values)}]"
