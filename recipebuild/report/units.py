"""Numbers for people: figures of accuracy, and sizes."""

from __future__ import annotations

from recipebuild.facts.metrics import METRICS


def shown(metric: str, value: float) -> str:
    """A figure of accuracy for people: in per cent where it is a fraction."""
    unit = METRICS[metric].unit
    if unit == "dB":
        return f"{value:.1f} dB"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.4f}"


def size(count: int) -> str:
    """A number of bytes for people: ``14.9 MB`` (decimal units)."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
