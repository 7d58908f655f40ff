"""How right a segmentation is: pixel accuracy and intersection over union, from a confusion matrix.

Definitions: J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
section 5. With n_ij the number of pixels of class i predicted as class j, and t_i = sum_j n_ij:

    pixel accuracy   sum_i n_ii / sum_i t_i
    IoU of class i   n_ii / (t_i + sum_j n_ji - n_ii)
    mean IoU         the mean over the classes i with t_i > 0

A class that occurs in the prediction only has no IoU of its own; its pixels count against the classes they belong to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.evaluate.dataset import IGNORE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.int64]


def confusion_matrix(truth: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: int) -> Matrix:
    """The numbers n_ij: int64 ``[classes, classes]``, rows are the truth; matrices of several images add up.

    Args:
        truth: Class ids below ``classes``, or ``IGNORE`` for pixels that do not count.
        predicted: Class ids below ``classes``, in the same shape.
        classes: How many classes there are.
    """
    import numpy as np

    counted = truth != IGNORE
    pairs = truth[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def pixel_accuracy(matrix: Matrix) -> float:
    """The fraction (0..1) of pixels that have the right class; NaN if there are no pixels."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return float(matrix.trace() / np.float64(matrix.sum()))


def class_iou(matrix: Matrix) -> dict[int, float]:
    """The IoU (0..1) of each class that occurs in the truth."""
    right = matrix.diagonal()
    truth = matrix.sum(axis=1)
    union = truth + matrix.sum(axis=0) - right
    return {int(i): float(right[i] / union[i]) for i in truth.nonzero()[0]}


def mean_iou(matrix: Matrix) -> float:
    """The mean IoU (0..1) over the classes that occur in the truth; NaN if there are none."""
    values = class_iou(matrix).values()
    return sum(values) / len(values) if values else float("nan")
