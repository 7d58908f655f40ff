"""What a model says of one image, whatever its task: class ids, values, or both.

Use: ``answer(session.run(None, feed), "semantic-segmentation", "model.onnx").ids``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.errors import CheckError, StepError
from recipebuild.facts.tasks import DEPTH, DETECTION, OTHER, RESTORATION, TASKS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Answer:
    """What a model says of one image.

    Attributes:
        ids: Class ids, int64: ``[h, w]`` for segmentation, ``[]`` for classification; ``None`` where there are none.
        values: float32: logits ``[classes, h, w]`` or ``[classes]``, depth ``[h, w]``, an image ``[C, h, w]``,
            features ``[..., channels]``, of detectors and of the task ``other`` all outputs one after another; ``None``
            where the model gives class ids alone.
        outputs: Of detectors: the outputs for the image, with the axis of the batch; of the task ``other`` all outputs.
    """

    ids: npt.NDArray[np.int64] | None
    values: npt.NDArray[np.float32] | None
    outputs: Sequence[Array] = ()


def answer(outputs: Sequence[Array], task: str, name: str, *, cut: float = 0.0, axis: int = 1) -> Answer:
    """The answer for the first image in a model's outputs.

    Class ids are an output of integers, or else the ArgMax over the classes of the first output; of one class 1 where
    its logit is above ``cut``.

    Args:
        outputs: What the model gives.
        task: The recipe's ``model.task``.
        name: What messages call the model.
        cut: The least logit of a network of one class; 0 is a probability of a half.
        axis: That of the classes in the model's logits.

    Raises:
        CheckError: If an output has NaN or infinite values.
        StepError: If the outputs are not those of the task.
    """
    import numpy as np

    check_finite(outputs, name)
    if task in (DETECTION, OTHER):
        one = [output[:1] if task == DETECTION else output for output in outputs]
        return Answer(None, np.concatenate([output.astype(np.float32).ravel() for output in one]), one)
    floats = [output[0] for output in outputs if output.dtype.kind == "f"]
    values = floats[0].astype(np.float32) if floats else None
    rank = TASKS[task].class_rank
    if rank is None:
        if values is None:
            raise StepError(f"{name} gives class ids, and a model for {task} gives none", remedy="head: {kind: none}")
        if task == RESTORATION and (values.ndim != 3 or len(values) not in (1, 3)):
            raise StepError(
                f"{name} gives no image: its output is {floats[0].dtype} {[len(floats), *values.shape]}",
                remedy="a model for image-to-image gives [N, 3, h, w], or [N, 1, h, w] for a matte; see model.task",
            )
        return Answer(None, values.squeeze(0) if task == DEPTH and values.ndim == 3 else values)
    integers = [output[0] for output in outputs if output.dtype.kind in "iu"]
    if values is not None and values.ndim != rank:
        values = None
    if values is not None and axis != 1:
        values = np.moveaxis(values, axis - 1 if axis > 0 else axis, 0)
    ids = np.asarray(integers[0], np.int64).squeeze() if integers else None
    if ids is None and values is not None:
        ids = values[0] > cut if len(values) == 1 else values.argmax(axis=0)
    if ids is None or ids.ndim != rank - 1:
        shapes = ", ".join(f"{output.dtype} {list(output.shape)}" for output in outputs)
        raise StepError(
            f"{name} gives no class ids for {task}: its output is {shapes}",
            remedy=f"a model for this task gives {TASKS[task].logits} or their ArgMax over the classes; "
            "see model.task and head",
        )
    return Answer(np.asarray(ids, np.int64), values)


def check_finite(outputs: Sequence[Array], name: str) -> None:
    """Find that all values are numbers.

    Raises:
        CheckError: If there is a NaN or an infinite value.
    """
    import numpy as np

    for output in outputs:
        if output.dtype.kind == "f" and not np.isfinite(output).all():
            nan, infinite = int(np.isnan(output).sum()), int(np.isinf(output).sum())
            raise CheckError(
                f"{name} gives NaN or infinity: {nan} and {infinite} of {output.size} values",
                remedy="verify.json and ladder.json show the step that broke the model",
            )
