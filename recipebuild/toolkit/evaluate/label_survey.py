"""What the labels of a dataset say of themselves: whether a figure on them means anything.

Use: ``survey = LabelSurvey(task, labelled=True)``; for each, ``survey.add(sample, image, truth)``; ``survey.check()``.

A model that knows nothing is perfect on labels with one class, and on masks of 0 and 255, as 255 is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DETECTION, SEGMENTATION
from recipebuild.toolkit.calibration.survey import TURNED, is_turned
from recipebuild.toolkit.evaluate.layouts import Sample
from recipebuild.toolkit.evaluate.trainids import IGNORE

if TYPE_CHECKING:
    from PIL import Image

_MANY_IGNORED = 0.5
_ALL_IGNORED = 0.99
_NAMED = 3


class LabelSurvey:
    """What was seen of a dataset.

    Args:
        task: The recipe's ``model.task``.
        labelled: Whether the dataset says what is true.
    """

    def __init__(self, task: str, *, labelled: bool) -> None:
        self._task = task if labelled else ""
        self._images = 0
        self._pixels = 0
        self._ignored = 0
        self._classes: set[int] = set()
        self._as_stored = True
        self._objects = 0
        self._turned: list[str] = []

    def add(self, sample: Sample, image: Image.Image, truth: Any) -> None:
        """Note an image with what is true of it: a label map uint8 ``[H, W]``, a class id, or the objects in it."""
        import numpy as np

        self._images += 1
        if is_turned(image):
            self._turned.append(sample.image_name)
        if self._task == SEGMENTATION:
            counts = np.bincount(truth.ravel(), minlength=IGNORE + 1)
            self._pixels += truth.size
            self._ignored += int(counts[IGNORE])
            self._classes |= set(np.flatnonzero(counts[:IGNORE]).tolist())
            self._as_stored &= sample.encoding == "ids"
        elif self._task == CLASSIFICATION:
            self._classes.add(truth)
        elif self._task == DETECTION:
            self._objects += int((~truth.crowd).sum())

    @property
    def ignored(self) -> float | None:
        """The share of pixels (0..1) that do not count; ``None`` where labels have no pixels."""
        return self._ignored / self._pixels if self._pixels else None

    def check(self) -> None:
        """Find that something can be measured.

        Raises:
            StepError: If nearly all pixels are ignored, or all that are not 0 are 255; if there is no object at all.
        """
        if self._task == DETECTION and not self._objects:
            raise StepError(
                f"none of the {self._images} images has an object: there is nothing to detect",
                field="evaluate.dataset",
                remedy="see evaluate.layout and evaluate.split, or draw more images: evaluate.count",
            )
        if self._pixels and self._ignored == self._pixels:
            raise StepError(
                f"no pixel of the dataset is labelled: all are {IGNORE}", remedy="label some pixels with class ids"
            )
        if self._ignored and self._classes == {0} and self._as_stored:
            raise StepError(
                f"the labels have no other values than 0 and {IGNORE}, and {IGNORE} is ignored: a model that "
                "always predicts class 0 would be perfect",
                field="evaluate.dataset",
                remedy="store class ids: of masks with one kind of object, 1 where it is and 0 elsewhere",
            )
        if self._ignored > _ALL_IGNORED * self._pixels:
            share = 100 * self._ignored / self._pixels
            raise StepError(
                f"{share:.2f} % of the dataset's pixels are ignored: the rest is too little to measure",
                field="evaluate.dataset",
                remedy="label more pixels with the model's class ids; see evaluate.reduce_labels",
            )

    def concerns(self, names: Sequence[str]) -> list[str]:
        """One line for each thing to know before a figure is believed.

        Args:
            names: What the classes are called, by class id.
        """
        warnings = []
        if (ignored := self.ignored) is not None and ignored > _MANY_IGNORED:
            warnings.append(
                f"RB606 {100 * ignored:.1f} % of the labels' pixels are ignored: the figures are of the rest"
            )
        if len(self._classes) == 1:
            (only,) = self._classes
            name = f" ({names[only]})" if only < len(names) else ""
            warnings.append(f"RB607 the labels have class {only}{name} only: a model that always says so is perfect")
        if self._turned:
            listed = ", ".join(self._turned[:_NAMED]) + (", ..." if len(self._turned) > _NAMED else "")
            warnings.append(f"RB608 {len(self._turned)} of {self._images} images are {TURNED}: {listed}")
        return warnings
