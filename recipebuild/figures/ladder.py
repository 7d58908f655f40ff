"""The figures of the step ladder, which ``ladder.json`` has, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ladder:
    """Accuracy after each thing that the model goes through.

    Attributes:
        images: How many were evaluated.
        metric: The figure that counts.
        against: ``labels``, or the rung whose answers count as right.
        rows: A rung each: ``rung``, ``title``, its figures and ``interval``; then, against the rung before, ``change``,
            ``change_interval``, ``within_noise``, ``same``, ``cosine_before``, ``snr_before`` and ``largest_error``,
            of ``compared_images``; ``evaluated``, where the step evaluate measured the same on more images.
        verdict: Which rung lost the most, in words.
        warnings: What the user should know.
    """

    images: int
    metric: str
    against: str
    rows: Sequence[Mapping[str, Any]]
    verdict: str
    warnings: Sequence[str]

    def compared_on(self, fed: str) -> str:
        """In a sentence: on how many of the images, or what is ``fed``, the rungs were compared; empty if on all."""
        fewest = min((row.get("compared_images", self.images) for row in self.rows), default=self.images)
        if fewest == self.images:
            return ""
        return f"Up to the head, stages ran on {fewest} of the {self.images} {fed}, and agree there."
