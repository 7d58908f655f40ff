"""What is known of a model, field by field, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recipebuild.facts.tasks import RESTORATION


@dataclass(frozen=True)
class Fact:
    """The value of one field of a recipe.

    Attributes:
        value: A JSON value.
        why: Where it comes from, in a few words; goes into the recipe as a comment.
        sure: Whether the model's files say so. What is not sure is usual for such models, and for somebody to look at.
    """

    value: Any
    why: str
    sure: bool = True


Facts = Mapping[str, Fact]
"""By field, with dots: ``input.shape``."""


_IMAGENET = {"input.color": "RGB", "input.mean": [123.675, 116.28, 103.53], "input.std": [58.395, 57.12, 57.375]}
"""What most models were trained with: the mean and deviation of ImageNet's colours, in 0..255 units."""
_SCALED = {"input.color": "RGB", "input.mean": [0, 0, 0], "input.std": [255, 255, 255]}
"""What networks that make images are mostly trained with: pixels of 0..1."""
_CALLED = {"input.color": "the usual order", "input.mean": "ImageNet's mean", "input.std": "ImageNet's deviation"}
"""What the values of ImageNet are called."""


def usual_colours(task: str, lead: str) -> Facts:
    """What colours, mean and deviation mostly are; ``lead`` says why they are not known."""
    if task == RESTORATION:
        return {field: Fact(value, f"{lead}: usual for {task}", sure=False) for field, value in _SCALED.items()}
    return {field: Fact(value, f"{lead}: {_CALLED[field]}", sure=False) for field, value in _IMAGENET.items()}


def figure(value: float) -> float | int:
    """A number as a recipe has it: ten digits, and whole where it is whole."""
    short = float(f"{value:.10g}")
    return int(short) if short == int(short) else short
