"""Segmentation with ONNX Runtime: an image -> class ids.

Use: ``segment(open_model(path), image, spec)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.facts.tasks import SEGMENTATION
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.evaluate.answers import Answer, answer
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
    return class_ids(answer(outputs_of(model, image, spec), SEGMENTATION, model.name), model.name)


def class_ids(answer: Answer, name: str) -> npt.NDArray[np.int64]:
    """The class ids of an answer; ``name`` is what messages call the model.

    Raises:
        StepError: If there are none.
    """
    if answer.ids is None:
        raise StepError(f"{name} gives no class ids")
    return answer.ids
