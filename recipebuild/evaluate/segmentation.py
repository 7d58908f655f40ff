"""Segmentation with ONNX Runtime: an image -> class ids; a labelled set -> confusion matrices.

Use: ``segment(open_model(path), image, spec)``, and ``confusion(models, samples, classes, spec)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.calibration.preprocess import ImageSpec, preprocess
from recipebuild.errors import CheckError, StepError, reason
from recipebuild.evaluate.dataset import Sample, read
from recipebuild.evaluate.metrics import confusion_matrix
from recipebuild.evaluate.recorded import Recorded
from recipebuild.evaluate.resize import enlarge

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from onnxruntime import InferenceSession
    from PIL import Image

    from recipebuild.evaluate.metrics import Matrix


@dataclass(frozen=True)
class Model:
    """A segmentation model that is ready to run.

    Attributes:
        name: What messages call it.
        session: Its ONNX Runtime session.
    """

    name: str
    session: InferenceSession


def open_model(path: Path) -> Model:
    """Load the ONNX model at ``path`` for the CPU.

    Raises:
        StepError: If ONNX Runtime cannot load it.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    # A QDQ model must be computed as it is written, in float between its quantizers. By default ONNX Runtime turns it
    # into integer kernels, which saturate in 16 bits on CPUs without VNNI: figures would depend on the machine.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        return Model(path.name, ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        raise StepError(f"ONNX Runtime cannot load {path.name}: {reason(error)}") from error


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

    Taken from the model's integer output, or, if it has none, by ArgMax over axis 1 of its first output.

    Raises:
        CheckError: If an output of the model has NaN in it.
        StepError: If the model does not take this input, or gives no class ids per pixel.
    """
    import numpy as np

    batch = np.ascontiguousarray(np.broadcast_to(preprocess(image, spec), spec.shape))
    try:
        outputs: list[npt.NDArray[Any]] = model.session.run(None, {spec.name: batch})
    except Exception as error:  # as above
        raise StepError(f"ONNX Runtime cannot run {model.name}: {reason(error)}") from error
    for output in outputs:
        if output.dtype.kind == "f" and np.isnan(output).any():
            raise CheckError(f"{model.name} gives NaN", remedy="look at verify.json for the step that broke the model")
    return class_ids(outputs, model.name)


def class_ids(outputs: Sequence[npt.NDArray[Any]], name: str) -> npt.NDArray[np.int64]:
    """The class ids of the first image in a model's outputs, int64 ``[h, w]``; ``name`` is what messages call it.

    Raises:
        StepError: If there are none.
    """
    import numpy as np

    integers = [output for output in outputs if output.dtype.kind in "iu"]
    if not integers and outputs[0].ndim == 4:  # logits: N, C, h, w
        integers = [outputs[0].argmax(axis=1)]
    ids: npt.NDArray[np.int64] = np.asarray(integers[0][0] if integers else [], dtype=np.int64).squeeze()
    if ids.ndim != 2:
        shapes = ", ".join(f"{output.dtype} {list(output.shape)}" for output in outputs)
        raise StepError(
            f"{name} gives no class id for each pixel: its output is {shapes}",
            remedy="evaluation and preview are for semantic segmentation",
        )
    return ids


def confusion(
    models: Mapping[str, Model | Recorded],
    samples: Sequence[Sample],
    classes: int,
    spec: ImageSpec,
    on_image: Callable[[int], None] = lambda _: None,
) -> dict[str, Matrix]:
    """The confusion matrix of each model over all samples, at the labels' size; ``on_image`` is told how many are done.

    Raises:
        CheckError: If a model gives NaN.
        StepError: If a sample is bad, no pixel is labelled, or a model predicts a class that is not below ``classes``.
    """
    import numpy as np

    matrices: dict[str, Matrix] = {key: np.zeros((classes, classes), np.int64) for key in models}
    for done, sample in enumerate(samples, 1):
        image, label = read(sample, classes)
        for key, model in models.items():
            seen = model.ids(sample.name) if isinstance(model, Recorded) else segment(model, image, spec)
            ids = enlarge(seen, *label.shape)
            if not 0 <= ids.min() <= ids.max() < classes:
                raise StepError(
                    f"{model.name} predicts class {ids.max()} in {sample.name}, but there are {classes} classes",
                    remedy="evaluate with as many classes as the model has",
                )
            matrices[key] += confusion_matrix(label, ids, classes)
        on_image(done)
    if not all(matrix.any() for matrix in matrices.values()):
        raise StepError("no pixel of the dataset is labelled: all are 255", remedy="label some pixels with class ids")
    return matrices
