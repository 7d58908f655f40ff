"""How right a segmentation is: pixel accuracy and intersection over union, from a confusion matrix.

Definitions: J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
section 5. With n_ij the number of pixels of class i predicted as class j, and t_i = sum_j n_ij:

    pixel accuracy   sum_i n_ii / sum_i t_i
    IoU of class i   n_ii / (t_i + sum_j n_ji - n_ii)
    mean IoU         the mean over the classes i with t_i > 0

A class that occurs in the prediction only has no IoU of its own; its pixels count against the classes they belong to.
This counts in a third of the time of torchmetrics' confusion matrix; a test holds the two to the same figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.evaluate.trainids import IGNORE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.float64]


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


def class_counts(matrix: npt.NDArray[Any]) -> Counts:
    """All that the figures need of confusion matrices: float64 ``[..., 3, classes]`` from ``[..., classes, classes]``.

    The three are the right pixels of each class, those that have it in truth, and those that are predicted as it. Such
    counts add up as matrices do, and take far less room.
    """
    import numpy as np

    right = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.stack([right, matrix.sum(axis=-1), matrix.sum(axis=-2)], axis=-2).astype(np.float64)


def iou(counts: Counts) -> npt.NDArray[np.float64]:
    """The IoU (0..1) of each class: ``[..., classes]``, NaN for those that do not occur in the truth."""
    import numpy as np

    right, truth, predicted = np.moveaxis(counts, -2, 0)
    with np.errstate(invalid="ignore"):
        return np.where(truth > 0, right / (truth + predicted - right), np.nan)


def mean_over_classes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of ``[..., classes]`` over the classes that are not NaN; NaN if all are."""
    import numpy as np

    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1))


def accuracy(counts: Counts) -> npt.NDArray[np.float64]:
    """The fraction (0..1) of pixels that have the right class: ``[...]``; NaN if there are no pixels."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.asarray(counts[..., 0, :].sum(axis=-1) / counts[..., 1, :].sum(axis=-1))
