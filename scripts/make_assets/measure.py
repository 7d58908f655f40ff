"""How well a model segments labelled scenes: mean intersection over union, and the share of right pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.make_assets.labels import NAMES
from scripts.make_assets.scenes import Scene

Predict = Callable[[NDArray[np.uint8]], NDArray[np.int64]]
"""Pixels uint8 [H, W, 3] to class ids [H/4, W/4]."""


@dataclass(frozen=True)
class Accuracy:
    """``iou`` has the classes that the ground truth shows, by name, 0..1."""

    iou: dict[str, float]
    pixel_accuracy: float

    @property
    def mean_iou(self) -> float:
        """Mean over the classes present."""
        return sum(self.iou.values()) / len(self.iou)


def measure(scenes: Iterable[Scene], predict: Predict) -> Accuracy:
    """One confusion matrix over all scenes; predictions are enlarged to the labels' size by repeating pixels."""
    count = len(NAMES)
    confusion = np.zeros((count, count), np.int64)
    for scene in scenes:
        ids = predict(scene.image)
        factor = scene.labels.shape[0] // ids.shape[0]
        full = ids.repeat(factor, axis=0).repeat(factor, axis=1)
        counted = scene.labels < count
        pairs = scene.labels[counted].astype(np.int64) * count + full[counted]
        confusion += np.bincount(pairs, minlength=count * count).reshape(count, count)
    right, truth, said = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    iou = {NAMES[c]: float(right[c] / (truth[c] + said[c] - right[c])) for c in range(count) if truth[c]}
    return Accuracy(iou, float(right.sum() / truth.sum()))
