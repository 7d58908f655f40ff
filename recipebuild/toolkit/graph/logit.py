"""Logits and probabilities of networks of one class."""

from __future__ import annotations

import math


def logit(probability: float) -> float:
    """Give ln(p / (1 - p)), the inverse of the sigmoid: sigmoid(x) > p where x is above it."""
    return math.log(probability / (1 - probability))
