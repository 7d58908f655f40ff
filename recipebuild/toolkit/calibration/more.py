"""What a model takes besides an image: a folder of .npy files, one for each image of the calibration set, by its name.

Use: ``more_tensor(folder, "mask", (1, 1, 64, 128), "street-1.jpg")`` reads ``folder/street-1.npy``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import numpy.typing as npt


def more_tensor(folder: Path, name: str, shape: Sequence[int], image: str) -> npt.NDArray[Any]:
    """The tensor that goes with an image, as it is in its file.

    Args:
        folder: Has the files.
        name: Of the input.
        shape: Of the input; the element type is that of the file.
        image: A file's name in the calibration archive.

    Raises:
        StepError: If there is no such file, it is no array, or one of another shape.
    """
    import numpy as np

    path = folder / f"{Path(image).stem}.npy"
    try:
        values: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise StepError(
            f"{name} has no {path.name} for the image {image}",
            field="more_inputs",
            remedy="its source is a folder with a .npy file for each calibration image, of the image's name",
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise StepError(f"{path.name} of {name} cannot be read: {error}", field="more_inputs") from None
    if values.shape != tuple(shape):
        raise StepError(
            f"{path.name} of {name} is {'x'.join(map(str, values.shape))}, not {'x'.join(map(str, shape))}",
            field="more_inputs",
            remedy="tensors are taken as they are, of the input's exact shape",
        )
    return values
