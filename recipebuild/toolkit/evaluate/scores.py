"""How right a model is, for each task: what is counted of one image, and the figures that the sums give.

    score = score_of("image-classification", classes=1000)
    counts = [score.count(truth, answer) for truth, answer in pairs]     # one row per image
    score.figures(sum(counts))                                           # {"top1": 0.81, "top5": 0.95}

Counts add up over images, so any selection of images has its figures from the rows of those images: that is what the
bootstrap in ``noise.py`` does. ``figures`` takes any number of sums at once, along leading axes.

    miou, pixel_accuracy    semantic-segmentation     see ``metrics.py``
    top1, top5              image-classification      the label is among the k classes of the highest logits
    abs_rel                 depth-estimation          mean |d - t| / t
    rmse                    depth-estimation          sqrt(mean (d - t)^2), in the truth's unit
    delta1                  depth-estimation          fraction of pixels with max(d / t, t / d) < 1.25
    psnr, ssim              image-to-image            see ``image_quality.py``
    agreement, cosine, snr  against a model, not labels: equal class ids; <a, b> / |a||b|; 10 log10(|b|^2 / |a - b|^2)

Depth: D. Eigen, C. Puhrsch, R. Fergus, "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network",
NIPS 2014, section 4; figures of images are averaged, as the field's evaluation programs do it. Models of *relative*
depth give inverse depth up to scale and shift, which are fitted to the truth by least squares first: R. Ranftl et al.,
"Towards Robust Monocular Depth Estimation", TPAMI 2020, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from recipebuild.facts.metrics import metrics_of
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, RESTORATION, SEGMENTATION, TEXT
from recipebuild.toolkit.evaluate.answers import Answer
from recipebuild.toolkit.evaluate.embeddings import Embeddings
from recipebuild.toolkit.evaluate.image_quality import psnr, ssim
from recipebuild.toolkit.evaluate.metrics import accuracy, class_counts, confusion_matrix, iou, mean_over_classes
from recipebuild.toolkit.evaluate.pixels import Target, as_pixels, fitting
from recipebuild.toolkit.evaluate.resize import enlarge, enlarge_values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recipebuild.toolkit.calibration.spec import ImageSpec

    Array = npt.NDArray[Any]
    Row = npt.NDArray[np.float64]

_TOP = 5
_FIDELITY = ("agreement", "cosine", "snr")


class Score(Protocol):
    """How answers are judged where figures are those of sums over images."""

    def count(self, truth: Any, answer: Answer) -> Row:
        """What one image adds: float64 ``[k]``."""

    def figures(self, sums: Row) -> dict[str, Array]:
        """The figures of sums ``[..., k]``: each ``[...]``, NaN where there is none."""


def score_of(
    task: str, *, classes: int, labelled: bool, relative: bool = False, image: ImageSpec | None = None
) -> Score:
    """The score of a task.

    Args:
        task: The recipe's ``model.task``.
        classes: How many classes there are, where there are classes.
        labelled: Whether truth is labels; else it is another model's answer.
        relative: Of depth: whether the model gives inverse depth up to scale and shift.
        image: Of image-to-image: the network's input, which says what its image means.
    """
    if task == TEXT:
        return Embeddings()
    if not labelled or not metrics_of(task, labels=True):
        return Fidelity(by_place=task == FEATURES)
    if task == SEGMENTATION:
        return Segmentation(classes)
    if task == RESTORATION:
        assert image is not None, "what an image means is known of every network"  # noqa: S101 - see measure.py
        return Restoration(image)
    return Classification() if task == CLASSIFICATION else Depth(relative)


@dataclass(frozen=True)
class Segmentation:
    """Truth is a label map uint8 ``[H, W]``, ``IGNORE`` where pixels do not count; ids are enlarged to its size."""

    classes: int

    def count(self, truth: Array, answer: Answer) -> Row:
        """The ``class_counts`` of the image, as one row."""
        matrix = confusion_matrix(truth, enlarge(_ids(answer), *truth.shape), self.classes)
        return class_counts(matrix).ravel()

    def figures(self, sums: Row) -> dict[str, Array]:
        """``miou`` and ``pixel_accuracy``."""
        counts = sums.reshape(*sums.shape[:-1], 3, self.classes)
        return {"miou": mean_over_classes(iou(counts)), "pixel_accuracy": accuracy(counts)}

    def per_class(self, sums: Row) -> dict[int, float]:
        """The IoU of each class that occurs in the truth."""
        values = iou(sums.reshape(3, self.classes))
        return {i: float(value) for i, value in enumerate(values) if value == value}


@dataclass(frozen=True)
class Classification:
    """Truth is a class id."""

    def count(self, truth: int, answer: Answer) -> Row:
        """1, whether the first class is right, whether one of five is (NaN if the model gives class ids alone)."""
        import numpy as np

        first = float(_ids(answer) == truth)
        return np.array([1.0, first, _top(answer.values, truth)])

    def figures(self, sums: Row) -> dict[str, Array]:
        """``top1`` and ``top5``."""
        return {"top1": sums[..., 1] / sums[..., 0], "top5": sums[..., 2] / sums[..., 0]}


def _top(logits: Array | None, truth: int) -> float:
    import numpy as np

    if logits is None or logits.size <= _TOP:
        return np.nan
    import torch
    from torchmetrics.functional.classification import multiclass_accuracy

    predicted, label = torch.from_numpy(logits[np.newaxis]), torch.tensor([truth])
    return float(multiclass_accuracy(predicted, label, num_classes=logits.size, top_k=_TOP, average="micro"))


@dataclass(frozen=True)
class Depth:
    """Truth is depth float32 ``[H, W]``, 0 where it is unknown; answers are scaled to its size, bilinearly.

    Attributes:
        relative: Whether answers are inverse depth up to scale and shift.
    """

    relative: bool

    def count(self, truth: Array, answer: Answer) -> Row:
        """1, and the image's three figures."""
        import numpy as np
        import torch
        from torchmetrics.functional.regression import mean_absolute_percentage_error, mean_squared_error

        known = truth > 0
        predicted = enlarge_values(_values(answer), *truth.shape)[known].astype(np.float64)
        right = truth[known].astype(np.float64)
        if self.relative:
            predicted = _aligned(predicted, right)
        predicted = np.maximum(predicted, np.finfo(np.float32).tiny)
        a, b = torch.from_numpy(predicted), torch.from_numpy(right)
        error = float(mean_absolute_percentage_error(a, b)), float(mean_squared_error(a, b, squared=False))
        return np.array([1.0, *error, float((np.maximum(predicted / right, right / predicted) < 1.25).mean())])

    def figures(self, sums: Row) -> dict[str, Array]:
        """``abs_rel``, ``rmse`` and ``delta1``."""
        return {name: sums[..., i] / sums[..., 0] for i, name in enumerate(metrics_of(DEPTH, labels=True), 1)}


def _aligned(predicted: Array, right: Array) -> Array:
    """Depth from inverse depth, with scale and shift by least squares in inverse depth; no deeper than the truth is."""
    import numpy as np

    terms = np.stack([predicted, np.ones_like(predicted)], axis=1)
    inverse = terms @ np.linalg.lstsq(terms, 1 / right, rcond=None)[0]
    return np.asarray(1 / np.maximum(inverse, 1 / right.max()))


@dataclass(frozen=True)
class Restoration:
    """Truth is a ``Target``, which is brought to the answer's size; figures of images are averaged.

    Attributes:
        image: The network's input, before its channels were exchanged.
    """

    image: ImageSpec

    def count(self, truth: Target, answer: Answer) -> Row:
        """1, and the image's two figures."""
        import numpy as np

        predicted = as_pixels(_values(answer), self.image)
        right = fitting(truth, predicted, self.image)
        return np.array([1.0, psnr(right, predicted), ssim(right, predicted)])

    def figures(self, sums: Row) -> dict[str, Array]:
        """``psnr`` (dB) and ``ssim`` (-1..1)."""
        return {"psnr": sums[..., 1] / sums[..., 0], "ssim": sums[..., 2] / sums[..., 0]}


@dataclass(frozen=True)
class Fidelity:
    """Truth is another model's answer for the same image; class ids are enlarged to its size.

    Attributes:
        by_place: Whether values are vectors along their last axis, whose cosines are averaged.
    """

    by_place: bool

    def count(self, truth: Answer, answer: Answer) -> Row:
        """1, and the image's three figures: NaN where one of the two has no ids, or no values of the same shape."""
        import numpy as np

        agreement = cosine = snr = np.nan
        if truth.ids is not None and answer.ids is not None:
            ids = enlarge(answer.ids, *truth.ids.shape) if truth.ids.ndim == 2 else answer.ids
            agreement = float((ids == truth.ids).mean())
        if truth.values is not None and answer.values is not None and truth.values.shape == answer.values.shape:
            size = truth.values.shape[-1] if self.by_place else truth.values.size
            cosine, snr = cosine_of(truth.values, answer.values, size), snr_of(truth.values, answer.values)
        return np.array([1.0, agreement, cosine, snr])

    def figures(self, sums: Row) -> dict[str, Array]:
        """``agreement`` (0..1), ``cosine`` (-1..1; of features the mean over places) and ``snr`` (dB)."""
        return {name: sums[..., i] / sums[..., 0] for i, name in enumerate(_FIDELITY, 1)}


def cosine_of(truth: Array, predicted: Array, size: int) -> float:
    """The mean cosine of vectors of ``size`` values; NaN where one is all zero."""
    import torch
    from torchmetrics.functional.regression import cosine_similarity

    a, b = (torch.from_numpy(array.astype("float64").reshape(-1, size)) for array in (predicted, truth))
    mean = float(cosine_similarity(a, b, reduction="mean"))
    return min(mean, 1.0)  # rounding gives 1.0000000000000002 for equal values; this order keeps NaN


def snr_of(truth: Array, predicted: Array) -> float:
    """The signal-to-noise ratio in dB."""
    import torch
    from torchmetrics.functional.audio.snr import signal_noise_ratio

    a, b = (torch.from_numpy(array.astype("float64").ravel()) for array in (predicted, truth))
    return float(signal_noise_ratio(a, b))


def _ids(answer: Answer) -> Array:
    assert answer.ids is not None, "answers of tasks with classes have ids"  # noqa: S101 - see answers.py
    return answer.ids


def _values(answer: Answer) -> Array:
    assert answer.values is not None, "answers of tasks without classes have values"  # noqa: S101 - see answers.py
    return answer.values
