"""How far boxes overlap, and non-maximum suppression. A bundle takes this file to the board: it needs numpy alone.

Use: ``kept = nms(boxes, scores, ids, limit=0.7)``. Boxes are ``x1, y1, x2, y2``, in any one unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def iou(one: Array, other: Array, crowd: Array | None = None) -> npt.NDArray[np.float64]:
    """Intersection over union of each box of ``one`` with each of ``other``: float64 ``[n, m]``, 0..1.

    Args:
        one: ``[n, 4]``.
        other: ``[m, 4]``.
        crowd: bool ``[m]``, those of ``other`` that stand for many objects: there it is the intersection over the
            area of the box in ``one``, as COCO has it.
    """
    import numpy as np

    one, other = one.astype(np.float64), other.astype(np.float64)
    low = np.maximum(one[:, np.newaxis, :2], other[np.newaxis, :, :2])
    high = np.minimum(one[:, np.newaxis, 2:], other[np.newaxis, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    own, theirs = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other))
    union = own[:, np.newaxis] + theirs - both
    if crowd is not None:
        union = np.where(crowd, own[:, np.newaxis], union)
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0), np.float64)


def nms(boxes: Array, scores: Array, ids: Array, *, limit: float) -> npt.NDArray[np.int64]:
    """The boxes that stay, the highest score first: of each class none that overlaps one of a higher score too far.

    Args:
        boxes: ``[n, 4]``.
        scores: ``[n]``; of equal ones the first goes first.
        ids: Class ids ``[n]``.
        limit: The largest IoU of two boxes of one class that both stay.

    Returns:
        Their indices, int64.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    kept = []
    for class_id in np.unique(ids):
        left = order[ids[order] == class_id]
        while left.size:
            best, left = left[0], left[1:]
            kept.append(best)
            left = left[iou(boxes[[best]], boxes[left])[0] <= limit]
    stays = np.zeros(len(boxes), bool)
    stays[kept] = True
    return order[stays[order]]
