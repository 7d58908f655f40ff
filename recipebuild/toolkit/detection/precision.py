"""Average precision, as COCO has it: what was detected is matched with what is true, image by image.

    matches = [match(objects, truth) for objects, truth in pairs]
    MatchTable(matches, classes=80).figures(np.ones(len(matches)))     # {"map": 0.41, "map50": 0.58}

Matching and interpolation are those of pycocotools (cocoeval.py, all areas, 100 boxes an image and class): T.-Y. Lin
et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, and cocodataset.org/#detection-eval. Precision is no sum
over images, as the scores of all images are sorted together. So the matches are kept, and a figure is a function of how
many times each image counts: once for the dataset, and as often as it was drawn for the bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.detection.detector import Objects
from recipebuild.toolkit.detection.nms import iou
from recipebuild.toolkit.detection.truth import Truth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Row = npt.NDArray[np.float64]

THRESHOLDS = tuple((50 + 5 * step) / 100 for step in range(10))
"""Of IoU, from which on a box is right."""

_RECALLS = 101
_PER_CLASS = 100
_AT_ONCE = 50


@dataclass(frozen=True)
class ImageMatches:
    """What one image adds.

    Attributes:
        ids: Class ids of its boxes, int64 ``[n]``.
        scores: float64 ``[n]``.
        right: bool ``[10, n]``: whether a box is right, for each of ``THRESHOLDS``.
        counts: bool ``[10, n]``: whether it counts; what is matched with a crowd does not.
        true_ids: Class ids of the objects that are to be detected, int64 ``[m]``.
    """

    ids: npt.NDArray[np.int64]
    scores: Row
    right: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    true_ids: npt.NDArray[np.int64]

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: values.tolist() for name, values in vars(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImageMatches:
        """What ``as_json`` gave."""
        import numpy as np

        ids, true_ids = (np.array(values[name], np.int64) for name in ("ids", "true_ids"))
        right, counts = (np.array(values[name], bool).reshape(len(THRESHOLDS), -1) for name in ("right", "counts"))
        return cls(ids, np.array(values["scores"], np.float64), right, counts, true_ids)


def match(objects: Objects, truth: Truth) -> ImageMatches:
    """Match boxes with objects of their class, those of the highest scores first, each object once."""
    import numpy as np

    parts = []
    for class_id in np.unique(objects.ids):
        of_class = np.flatnonzero(objects.ids == class_id)
        order = of_class[np.argsort(-objects.scores[of_class], kind="stable")][:_PER_CLASS]
        there = truth.ids == class_id
        crowd = truth.crowd[there]
        overlaps = iou(objects.boxes[order], truth.boxes[there], crowd)
        matched = np.stack([_matched(overlaps, crowd, threshold) for threshold in THRESHOLDS])
        parts.append((objects.ids[order], objects.scores[order], matched == 1, matched >= 0))
    nothing = np.zeros((len(THRESHOLDS), 0), bool)
    parts.append((np.zeros(0, np.int64), np.zeros(0), nothing, nothing))
    ids, scores, right, counts = (np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))
    return ImageMatches(ids, scores, right, counts, truth.ids[~truth.crowd])


def _matched(overlaps: Row, crowd: Array, threshold: float) -> Array:
    """For each box: 1 if it is an object, -1 if it is in a crowd, 0 if it is nothing."""
    import numpy as np

    matched = np.zeros(len(overlaps), np.int8)
    free = ~crowd
    for at in np.flatnonzero((overlaps >= threshold).any(axis=1)) if overlaps.size else ():
        candidates = np.flatnonzero(free & (overlaps[at] >= threshold))
        if candidates.size:
            row = overlaps[at, candidates]
            free[candidates[np.flatnonzero(row == row.max())[-1]]] = False  # of equal ones the last, as pycocotools
            matched[at] = 1
        elif (overlaps[at, crowd] >= threshold).any():
            matched[at] = -1
    return matched


@dataclass(frozen=True)
class MatchTable:
    """The matches of all images.

    Attributes:
        images: Of each image.
        classes: How many classes there are.
    """

    images: Sequence[ImageMatches]
    classes: int

    def figures(self, sums: Row) -> dict[str, Array]:
        """``map`` over all of ``THRESHOLDS`` and ``map50`` at the first; NaN where there is no object.

        Args:
            sums: How many times each image counts, ``[..., images]``.
        """
        import numpy as np

        times = sums.reshape(-1, len(self.images))
        parts = [self._precisions(times[start : start + _AT_ONCE]) for start in range(0, len(times), _AT_ONCE)]
        precisions = np.concatenate(parts, axis=1).reshape(-1, *sums.shape[:-1], len(THRESHOLDS))
        there = (~np.isnan(precisions)).sum(axis=0)
        mean = np.where(there > 0, np.nansum(precisions, axis=0) / np.maximum(there, 1), np.nan)
        return {"map": mean.mean(axis=-1), "map50": mean[..., 0]}

    def per_class(self, sums: Row) -> dict[int, float]:
        """The average precision, over all thresholds, of each class that has objects; ``sums`` is ``[images]``."""
        values = self._precisions(sums[None]).mean(axis=-1)[:, 0]
        return {i: float(value) for i, value in enumerate(values) if value == value}

    def _precisions(self, times: Row) -> Row:
        """Average precision ``[classes, draws, thresholds]``, NaN of a class that does not occur."""
        import numpy as np

        precisions = np.full((self.classes, len(times), len(THRESHOLDS)), np.nan)
        for class_id, of_class in self._by_class.items():
            total = times @ of_class.objects
            precisions[class_id] = np.where(total[:, np.newaxis] > 0, of_class.precisions(times, total), np.nan)
        return precisions

    @cached_property
    def _by_class(self) -> dict[int, _OfClass]:
        """The boxes and objects of each class that occurs in the truth."""
        import numpy as np

        ids = np.concatenate([image.ids for image in self.images])
        scores = np.concatenate([image.scores for image in self.images])
        right, counts = (
            np.concatenate([getattr(image, name) for image in self.images], axis=1) for name in ("right", "counts")
        )
        where = np.repeat(np.arange(len(self.images)), [len(image.ids) for image in self.images])
        objects = np.stack([np.bincount(image.true_ids, minlength=self.classes) for image in self.images])
        order = np.argsort(-scores, kind="stable")
        of_classes = {}
        for class_id in np.flatnonzero(objects.sum(axis=0)).tolist():
            chosen = order[ids[order] == class_id]
            of_classes[class_id] = _OfClass(
                where[chosen], right[:, chosen], counts[:, chosen], objects[:, class_id].astype(np.float64)
            )
        return of_classes


@dataclass(frozen=True)
class _OfClass:
    """The boxes of one class in all images, the highest score first, and how many objects each image has."""

    where: Array
    right: Array
    counts: Array
    objects: Row

    def precisions(self, times: Row, total: Row) -> Row:
        """Average precision ``[draws, thresholds]``: over 101 recalls, the mean of the best precision from there on."""
        import numpy as np

        weights = times[:, self.where]
        recalls = np.linspace(0, 1, _RECALLS)
        precisions = np.zeros((len(times), len(THRESHOLDS)))
        for at in range(len(THRESHOLDS)):
            hits = np.flatnonzero(self.right[at])
            if not hits.size:
                continue
            seen = np.cumsum(weights * self.counts[at], axis=1)[:, hits]
            right = np.cumsum(weights[:, hits], axis=1)
            precision = right / np.maximum(seen, np.finfo(np.float64).tiny)
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            reached = np.searchsorted(recalls, right / np.maximum(total, 1)[:, np.newaxis], side="right")
            precisions[:, at] = (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / _RECALLS
        return precisions
