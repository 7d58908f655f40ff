"""Numbers for people: figures of accuracy, and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recipebuild.facts.metrics import METRICS


def shown(metric: str, value: float) -> str:
    """A figure of accuracy for people: in per cent where it is a fraction."""
    unit = METRICS[metric].unit
    if unit == "dB":
        return f"{value:.1f} dB"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.4f}"


def duration(seconds: float | None) -> str:
    """A time for people: ``12.3 s``, ``4.5 min``; empty if it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """A number of bytes for people: ``14.9 MB`` (decimal units)."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def fed(steps: Iterable[Mapping[str, Any]]) -> str:
    """What a build's model is fed, in the plural: ``images``, ``texts``, or ``samples`` of other or several inputs.

    Args:
        steps: The manifest's entries.
    """
    names = {step["name"] for step in steps}
    if "tokens" in names:
        return "texts"
    return "samples" if "samples" in names else "images"


def first_sentence(text: str) -> str:
    """Up to the first full stop, which is left out."""
    return text.partition(". ")[0].rstrip(".")
