"""Segmentation with ONNX Runtime: an image -> class ids, and how many classes a model tells apart.

Use: ``segment(open_model(path), image, spec)``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError
from recipebuild.facts.tasks import SEGMENTATION
from recipebuild.toolkit.calibration.preprocess import ImageSpec
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.runners import Model, outputs_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image


def class_count(path: Path) -> int | None:
    """How many classes the model at ``path`` tells apart, if its graph says so.

    It is the size of the axis that the ArgMax before an output reduces; without one, of axis 1 of the first output.
    """
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    outputs = {value.name for value in graph.output}
    heads = [node for node in graph.node if node.op_type == "ArgMax" and outputs.intersection(node.output)]
    name, axis = graph.output[0].name, 1
    if heads:
        name = heads[0].input[0]
        axis = next((attribute.i for attribute in heads[0].attribute if attribute.name == "axis"), 0)
    for value in (*graph.output, *graph.value_info):
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.name == name and -len(sizes) <= axis < len(sizes) and sizes[axis] > 0:
            return int(sizes[axis])
    return None


def segment(model: Model, image: Image.Image, spec: ImageSpec) -> npt.NDArray[np.int64]:
    """The class ids of ``image`` as the model gives them: int64 ``[h, w]``, often smaller than the image.

    Raises:
        CheckError: If an output of the model has NaN in it.
        StepError: If the model does not take this input, or gives no class ids per pixel.
    """
    ids = answer(outputs_of(model, image, spec), SEGMENTATION, model.name).ids
    if ids is None:
        raise StepError(f"{model.name} gives no class ids")
    return ids
