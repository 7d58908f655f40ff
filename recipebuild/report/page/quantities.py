"""The figures of a build that can be set beside those of another: accuracy, speed, size, work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from recipebuild.facts.metrics import METRICS, ROWS, loss, metric_title
from recipebuild.figures.bundled import Bundled
from recipebuild.figures.exported import Exported
from recipebuild.figures.final_model import FinalModel
from recipebuild.figures.linted import Linted
from recipebuild.report.page.built import Built
from recipebuild.report.units import duration, size

NAMES = {"pytorch": "PyTorch", "float": "float", "quantized": "quantized", "board": "board"}
"""What these are called."""


@dataclass(frozen=True)
class Quantity:
    """One figure.

    Attributes:
        key: By which it is matched with that of another build.
        title: What it is.
        value: The figure.
        text: As it is shown.
        better: Which way is better; ``None`` if neither is.
    """

    key: str
    title: str
    value: float
    text: str
    better: Literal["more", "less"] | None = None


def quantities(built: Built) -> list[Quantity]:
    """What is known of a build, in the order in which it is shown."""
    return [*_accuracy(built), *_board(built), *_work(built), *_sizes(built), _time(built)]


def is_fraction(name: str) -> bool:
    """Whether a metric is a fraction, shown in percent."""
    return name in METRICS and METRICS[name].unit == "%"


def metric_text(name: str, value: float) -> str:
    """A metric's value for people."""
    return f"{100 * value:.2f} %" if is_fraction(name) else f"{value:.4g}"


def change_text(name: str, change: float) -> str:
    """A metric's change for people; of a fraction in percentage points."""
    text = f"{100 * change:+.2f}" if is_fraction(name) else f"{change:+.4g}"
    return text if float(text) else text.lstrip("+-")


def is_worse(name: str, change: float) -> bool:
    """Whether a metric that changed so got worse."""
    return bool(loss(name, 0.0, change) > 0)


def accuracies(built: Built) -> dict[str, dict[str, float]]:
    """Metrics by name, each by what it was measured of: ``{"miou": {"float": 0.83, "quantized": 0.82}}``."""
    by_metric: dict[str, dict[str, float]] = {}
    evaluation, deployed = built.evaluation, built.deployed
    for scores in (evaluation.scores if evaluation else {}, deployed.scores if deployed else {}):
        for key, value in scores.items():
            name, _, kind = key.rpartition("_")
            if name and kind in ROWS and isinstance(value, int | float):
                by_metric.setdefault(name, {})[kind] = float(value)
    return by_metric


def _accuracy(built: Built) -> Iterator[Quantity]:
    for name, by_kind in accuracies(built).items():
        for kind in ROWS:
            if kind in by_kind:
                value = by_kind[kind]
                better: Literal["more", "less"] = "less" if loss(name, 0.0, 1.0) > 0 else "more"
                title = f"{metric_title(name)}, {NAMES[kind]}"
                yield Quantity(f"{name}_{kind}", title, value, metric_text(name, value), better)


def _board(built: Built) -> Iterator[Quantity]:
    if deployed := built.deployed:
        latency = deployed.latency_ms["avg"]
        yield Quantity("latency_ms", f"latency on {deployed.board}", latency, f"{latency:.3f} ms", "less")
        if cmm := deployed.cmm_bytes:
            yield Quantity("cmm_bytes", "memory on the board", cmm, size(cmm), "less")
    elif (linted := built.figures(Linted, "lint")) and (span := linted.estimated_ms):
        where = f"{linted.hardware} {linted.npu_mode}"
        yield Quantity("estimated_ms", f"estimated time on {where}", span["ms"], milliseconds(span["ms"]), "less")
    if built.compiled and (cycles := built.compiled.max_cycle):
        yield Quantity("max_cycle", "cycles by Pulsar2's estimate", cycles, f"{cycles:,}", "less")


def _work(built: Built) -> Iterator[Quantity]:
    if rewritten := built.rewritten:
        work, memory = rewritten.multiply_adds_after, rewritten.peak_activation_bytes_after
        changes, nodes = rewritten.layout_changes_after, rewritten.nodes_after
        yield Quantity("multiply_adds", "multiply-adds", work, count_text(work), "less")
        yield Quantity("peak_activation_bytes", "peak activations", memory, size(memory), "less")
        yield Quantity("layout_changes", "layout changes", changes, str(changes), "less")
        yield Quantity("nodes", "operators", nodes, str(nodes), "less")
    if exported := built.figures(Exported, "export"):
        yield Quantity("parameters", "parameters", exported.parameters, f"{exported.parameters / 1e6:.2f} M")


def _sizes(built: Built) -> Iterator[Quantity]:
    if final := built.figures(FinalModel, "head"):
        yield Quantity("head_bytes", "float model", final.bytes, size(final.bytes), "less")
    if compiled := built.compiled:
        yield Quantity("compile_bytes", "compiled model", compiled.bytes, size(compiled.bytes), "less")
    if bundled := built.figures(Bundled, "bundle"):
        yield Quantity("bundle_bytes", "bundle", bundled.bytes, size(bundled.bytes), "less")


def _time(built: Built) -> Quantity:
    seconds = sum(entry["seconds"] or 0.0 for entry in built.steps)
    return Quantity("seconds", "build time, all steps", seconds, duration(seconds), "less")


def milliseconds(value: float) -> str:
    """An estimated time for people: ``0.39 ms``, ``40.0 ms``."""
    return f"{value:.1f} ms" if value >= 1 else f"{value:.2g} ms"


def count_text(count: float) -> str:
    """A number of multiply-adds for people: ``17.95 G``, ``239 M``."""
    return f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.0f} M"
