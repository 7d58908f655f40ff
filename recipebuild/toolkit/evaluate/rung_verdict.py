"""Which rung of a ladder lost the most, by all that is known of it: the metric, equal class ids, the noise it adds.

Use: ``rows = with_evaluation(climb(...), evaluation, metric)``, then ``verdict(rows, metric)``.

A ladder climbs with a few images, on which a large loss may look like chance. So what the step evaluate measured on all
images goes before it, and where fewer than ``LEAST_SAME`` of the class ids are those of the rung before, the rung
changed the model, whatever the metric says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.facts.metrics import change_text, loss, points_text
from recipebuild.toolkit.evaluate.ladder import RUNGS
from recipebuild.toolkit.evaluate.noise import is_noise

if TYPE_CHECKING:
    from recipebuild.figures.evaluation import Evaluation

    Row = dict[str, Any]

LEAST_SAME = 0.9
"""The smallest share of class ids (0..1) equal to those of the rung before at which a loss may be called noise."""

_COMPILED = ("quantized", "simulated")
"""The rungs that evaluate calls ``quantized``; it compares them with what it calls ``float``, the rung ``head``."""


def with_evaluation(rows: Iterable[Row], evaluation: Evaluation | None, metric: str) -> list[Row]:
    """The rows, where evaluate saw more images with what it measured there, and each with whether it may be noise.

    Args:
        rows: Those of ``climb``.
        evaluation: The figures of the step evaluate.
        metric: The figure that counts.

    Returns:
        The rows; of what was compiled with ``evaluated``: ``images``, ``change`` and ``change_interval`` of evaluate.
    """
    judged: list[Row] = []
    for row in rows:
        if "change" in row:
            bounds = row["change_interval"]
            if judged[-1]["rung"] == "head" and (evaluated := _evaluated(row, evaluation, metric)):
                row = {**row, "evaluated": evaluated}
                bounds = evaluated["change_interval"]
            row = {**row, "within_noise": is_noise(bounds) and not _differs(row)}
        judged.append(row)
    return judged


def verdict(rows: Sequence[Row], metric: str) -> str:
    """Which stage lost the most, in words, with what to look at; or that none lost more than chance."""
    compared = [row for row in rows if "change" in row]
    if not compared:
        return "No stage was compared with another."
    worst = max(compared, key=lambda row: _lost(row, metric))
    sure = [row for row in compared if _lost(row, metric) > 0 and not is_noise(_basis(row)["change_interval"])]
    if sure:
        worst = max(sure, key=lambda row: _lost(row, metric))
        bounds = points_text(metric, _basis(worst)["change_interval"])
        return f"Most is lost at {_change(worst, metric)} (95 %: {bounds}). {_remedy(worst)}"
    if different := [row for row in compared if _differs(row)]:
        least = min(different, key=lambda row: row["same"])
        most = f"Most is changed at {_change(least, metric)}{_likeness(least)}"
        return f"{most}. {_remedy(least)}"
    if _lost(worst, metric) <= 0:
        return "No stage loses accuracy."
    return f"No stage loses measurable accuracy. Largest change: {_change(worst, metric)}{_likeness(worst)}."


def _remedy(row: Row) -> str:
    remedy = RUNGS[row["rung"]].remedy
    return f"{remedy[:1].upper()}{remedy[1:]}."


def _evaluated(row: Row, evaluation: Evaluation | None, metric: str) -> Row | None:
    """What evaluate measured of a rung; ``None`` if it did not measure it by this metric."""
    if evaluation is None or evaluation.metric != metric or row["rung"] not in _COMPILED:
        return None
    before, after = evaluation.score("float"), evaluation.score("quantized")
    if before is None or after is None:
        return None
    bounds = sorted(loss(metric, 0.0, bound) for bound in evaluation.drop_interval or ())
    return {
        "images": evaluation.images,
        metric: after,
        "change": round(after - before, 6),
        "change_interval": bounds or None,
    }


def _basis(row: Row) -> Row:
    """What a rung is judged by."""
    evaluated: Row | None = row.get("evaluated")
    return evaluated or row


def _lost(row: Row, metric: str) -> float:
    return float(loss(metric, 0.0, _basis(row)["change"]))


def _differs(row: Row) -> bool:
    same = row.get("same")
    return same is not None and same < LEAST_SAME


def _change(row: Row, metric: str) -> str:
    basis = _basis(row)
    images = f" on {basis['images']} images" if "evaluated" in row else ""
    return f"{row['title']}, {change_text(metric, basis[metric] - basis['change'], basis[metric])}{images}"


def _likeness(row: Row) -> str:
    """How like the rung before the answers are, beside the metric."""
    same, snr = row.get("same"), row.get("snr_before")
    parts = [f"{100 * same:.2f} % equal class ids"] if same is not None else []
    parts += [f"SNR {snr:.1f} dB"] if snr is not None else []
    return f" ({', '.join(parts)})" if parts else ""
