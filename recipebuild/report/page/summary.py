"""The top of the page: what the reader must know first, and the figures that matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recipebuild.facts.metrics import metric_title
from recipebuild.figures.final_model import FinalModel
from recipebuild.figures.linted import Linted
from recipebuild.report.page.accuracy import change, change_tone
from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import Tile
from recipebuild.report.page.quantities import (
    accuracies,
    change_text,
    count_text,
    is_fraction,
    metric_text,
    milliseconds,
)
from recipebuild.report.units import duration, size

_LEVELS = ("error", "warning", "note", "ignored")


def alerts(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """What went wrong, warnings, notes, what the recipe ignores: each with ``level``, ``text`` and ``remedy``."""
    alerts = []
    for entry in manifest["steps"]:
        if error := entry.get("error"):
            where = f"{entry['name']} {entry['variant']}".strip()
            log = f"Its log: {entry['log']}" if entry.get("log") else ""
            remedy = "\n".join(filter(None, [error["remedy"], log]))
            alerts.append({"level": "error", "text": f"{where}: {error['message']}", "remedy": remedy})
    for label, verdict in manifest.get("verdict", {}).items():
        of = f"{label}: " if label else ""
        level = "warning" if verdict["verdict"] in ("worse", "not measured") else "note"
        text = f"{of}against what was accepted: {verdict['verdict']}"
        alerts.append({"level": level, "text": text, "remedy": "\n".join(verdict["lines"])})
    for note in manifest["notes"]:
        level, _, text = note.partition(": ")
        known = level in _LEVELS
        alerts.append({"level": level if known else "note", "text": text if known else note, "remedy": ""})
    return sorted(alerts, key=lambda alert: _LEVELS.index(alert["level"]))


def tiles(built: Built) -> list[Tile]:
    """The figures that matter, with what they are to be compared with."""
    return [*_accuracy(built), *_speed(built), *_work(built), *_sizes(built), _time(built)]


def _accuracy(built: Built) -> Iterator[Tile]:
    by_metric = accuracies(built)
    evaluation = built.evaluation
    name = evaluation.metric if evaluation else next(iter(by_metric), None)
    if name not in by_metric:
        return
    by_kind = by_metric[name]
    kind = next((kind for kind in ("board", "quantized", "float") if kind in by_kind), "")
    changed = change(by_kind)
    note, tone = "", ""
    if kind and kind != "float" and "float" in by_kind:
        note = f"float {metric_text(name, by_kind['float'])}"
        if changed is not None:
            note += f", {change_text(name, changed)}{' points' if is_fraction(name) else ''}"
            tone = change_tone(name, changed) or "good"
    yield Tile(
        f"{metric_title(name)}, {kind}" if kind else metric_title(name),
        metric_text(name, by_kind.get(kind, 0.0)),
        note,
        tone,
    )


def _speed(built: Built) -> Iterator[Tile]:
    if deployed := built.deployed:
        yield Tile("latency", f"{deployed.latency_ms['avg']:.3f} ms", f"on {deployed.board}")
    elif built.compiled and built.compiled.max_cycle:
        yield Tile("cycles", f"{built.compiled.max_cycle:,}", "estimated by Pulsar2")
    elif (linted := built.figures(Linted, "lint")) and (span := linted.estimated_ms):
        spread = f"{milliseconds(span['low']).removesuffix(' ms')} to {milliseconds(span['high'])}"
        yield Tile(f"time on {linted.hardware} {linted.npu_mode}", milliseconds(span["ms"]), f"estimated: {spread}")


def _work(built: Built) -> Iterator[Tile]:
    if rewritten := built.rewritten:
        before, after = rewritten.multiply_adds_before, rewritten.multiply_adds_after
        yield Tile("multiply-adds", count_text(after), _was(count_text(before), before, after))


def _sizes(built: Built) -> Iterator[Tile]:
    final, compiled = built.figures(FinalModel, "head"), built.compiled
    if final and compiled:
        yield Tile("compiled model", size(compiled.bytes), f"float {size(final.bytes)}")


def _time(built: Built) -> Tile:
    seconds = sum(entry["seconds"] or 0.0 for entry in built.steps)
    counts = {state: sum(entry["status"] == state for entry in built.steps) for state in ("built", "cached")}
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    return Tile("build time", duration(seconds), f"{len(built.steps)} steps: {', '.join(parts)}" if parts else "")


def _was(text: str, before: float, after: float) -> str:
    if not before:
        return ""
    change = f"{100 * (after / before - 1):+.0f} %"
    return "as exported" if change[1:] == "0 %" else f"exported {text} ({change})"
