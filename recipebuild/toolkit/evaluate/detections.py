"""How right a detector is: its boxes in one image against the objects there.

Use: ``Detection(detector, spec).count(truth, answer)``, a row for ``MatchTable``, which has the figures of all images.
"""

from __future__ import annotations

from dataclasses import dataclass

from recipebuild.toolkit.calibration.preprocess import placement
from recipebuild.toolkit.calibration.spec import ImageSpec
from recipebuild.toolkit.detection.detector import Detector, Objects, detect
from recipebuild.toolkit.detection.precision import ImageMatches, match
from recipebuild.toolkit.detection.truth import Truth
from recipebuild.toolkit.evaluate.answers import Answer


@dataclass(frozen=True)
class Detection:
    """Truth is a ``Truth``: the objects in the image.

    Attributes:
        detector: How outputs become boxes.
        input: How an image becomes the input.
    """

    detector: Detector
    input: ImageSpec

    def objects(self, answer: Answer, image: tuple[int, int], name: str = "the model") -> Objects:
        """What was detected, in pixels of the image, whose width and height are ``image``.

        Raises:
            StepError: If the outputs are not those of such a detector.
        """
        return detect(answer.outputs, self.detector, self.input.size, placement(image, self.input), image, name)

    def count(self, truth: Truth, answer: Answer) -> ImageMatches:
        """How the boxes are matched."""
        return match(self.objects(answer, truth.size), truth)
