"""Segmentation with ONNX Runtime: an image -> class ids.

Use: ``segment(open_model(path), image, spec)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.facts.tasks import SEGMENTATION
from recipebuild.toolkit.calibration.preprocess import ImageSpec
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.runners import LoadedModel, outputs_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image


def segment(model: LoadedModel, image: Image.Image, spec: ImageSpec) -> npt.NDArray[np.int64]:
    """The class ids of ``image`` as the model gives them: int64 ``[h, w]``, often smaller than the image.

    Raises:
        CheckError: If an output of the model has NaN in it.
        StepError: If the model does not take this input, or gives no class ids per pixel.
    """
    ids = answer(outputs_of(model, image, spec), SEGMENTATION, model.name).ids
    if ids is None:
        raise StepError(f"{model.name} gives no class ids")
    return ids
