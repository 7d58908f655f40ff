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

_PULSAR2 = ("emulated", "simulated")
"""The rungs behind ``head`` that a model compiled by Pulsar2 goes up on this machine."""


def with_evaluation(
    rows: Iterable[Row], evaluation: Evaluation | None, metric: str, compiled: str = "simulated"
) -> list[Row]:
    """The rows, where evaluate saw more images with what it measured there, and each with whether it may be noise.

    Args:
        rows: Those of ``climb``.
        evaluation: The figures of the step evaluate.
        metric: The figure that counts.
        compiled: The rung of a model compiled by Pulsar2 that evaluate calls ``quantized``; it compares that with what
            it calls ``float``, the rung ``head``.

    Returns:
        The rows; of what was compiled with ``evaluated``: ``images``, ``change`` and ``change_interval`` of evaluate,
        against the rung before; or, where a rung lies between it and ``head``, with ``since_head``, the same.
    """
    judged: list[Row] = []
    for row in rows:
        if "change" in row:
            bounds = row["change_interval"]
            measured = _evaluated(evaluation, metric) if row["rung"] in ("quantized", compiled) else None
            if measured and judged[-1]["rung"] == "head":
                row = {**row, "evaluated": measured}
                bounds = measured["change_interval"]
            elif measured and judged[-1]["rung"] in _PULSAR2:
                row = {**row, "since_head": measured}
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
    if together := _together(compared, sure, metric):
        return together
    if sure:
        worst = max(sure, key=lambda row: _lost(row, metric))
        bounds = points_text(metric, _basis(worst)["change_interval"])
        return f"Largest loss: {_change(worst, metric)} (95 %: {bounds}). {_remedy(worst)}"
    if different := [row for row in compared if _differs(row)]:
        least = min(different, key=lambda row: row["same"])
        most = f"Largest change: {_change(least, metric)}{_likeness(least)}"
        return f"{most}. {_remedy(least)}"
    if _lost(worst, metric) <= 0:
        return "No stage loses accuracy."
    return f"No stage loses measurable accuracy. Largest change: {_change(worst, metric)}{_likeness(worst)}."


def _remedy(row: Row) -> str:
    remedy = RUNGS[row["rung"]].remedy
    return f"{remedy[:1].upper()}{remedy[1:]}."


def sixteen_bits(rows: Sequence[Row], metric: str) -> list[str]:
    """What to say where 16-bit layers keep their promise in Reference, and break it in NPUBackend.

    Source: Kokoro's BERT with seven operators in U16 had a cosine of 0.9995 as a quantized model, and 0.010 in
    NPUBackend and on the board; with 8 bits throughout 0.950 (GitHub AXERA-TECH/Magnetar).
    """
    row = next((row for row in rows if row["rung"] == "simulated" and "change" in row), None)
    if row is None or not (_differs(row) or (_lost(row, metric) > 0 and not row["within_noise"])):
        return []
    return [
        f"RB117 16-bit layers do not survive compilation: {_change(row, metric)}{_likeness(row)}; Pulsar2's precision "
        "analysis and Reference do not see this. Take the operators of quantization.layers back to 8 bits one by one"
    ]


def _together(compared: Sequence[Row], sure: Sequence[Row], metric: str) -> str | None:
    """What quantization and compiler lose together, if that is sure and most, and of neither alone it is sure."""
    row = next((row for row in compared if "since_head" in row), None)
    if row is None or any(each["rung"] in _PULSAR2 for each in sure):
        return None
    total = row["since_head"]
    lost = loss(metric, 0.0, total["change"])
    if is_noise(total["change_interval"]) or lost <= max((_lost(each, metric) for each in sure), default=0.0):
        return None
    bounds = points_text(metric, total["change_interval"])
    worse = max((each for each in compared if each["rung"] in _PULSAR2), key=lambda each: _lost(each, metric))
    return (
        f"Largest loss: quantization and compiler together, "
        f"{change_text(metric, total[metric] - total['change'], total[metric])} on {total['images']} {_what(metric)} "
        f"(95 %: {bounds}); the larger part is {_change(worse, metric)}. {_remedy(worse)}"
    )


def _evaluated(evaluation: Evaluation | None, metric: str) -> Row | None:
    """What evaluate measured of what was compiled; ``None`` if not by this metric."""
    if evaluation is None or evaluation.metric != metric:
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
    where = f" on {basis['images']} {_what(metric)}" if "evaluated" in row else ""
    return f"{row['title']}, {change_text(metric, basis[metric] - basis['change'], basis[metric])}{where}"


def _what(metric: str) -> str:
    """What is measured by a metric, in the plural: cosine, retrieval and SNR are of tensors and texts, too."""
    return {"retrieval": "texts", "cosine": "samples", "snr": "samples"}.get(metric, "images")


def _likeness(row: Row) -> str:
    """How like the rung before the answers are, beside the metric."""
    same, snr = row.get("same"), row.get("snr_before")
    parts = [f"{100 * same:.2f} % equal class ids"] if same is not None else []
    parts += [f"SNR {snr:.1f} dB"] if snr is not None else []
    return f" ({', '.join(parts)})" if parts else ""
