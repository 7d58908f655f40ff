"""The figure that matters of each step, in a few words, from its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recipebuild.facts.metrics import METRICS, metric_title, metrics_of
from recipebuild.facts.tasks import TASKS

Metrics = Mapping[str, Any]


def figure(entry: Mapping[str, Any]) -> str:
    """What a step of a manifest came to; empty where there is nothing to say.

    Args:
        entry: The step's entry in the manifest.
    """
    if "error" in entry:
        return str(entry["error"]["message"])
    say = _FIGURES.get(entry["name"])
    try:
        return say(entry["metrics"]) if say else ""
    except KeyError:  # a manifest of another version
        return ""


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


def _evaluate(metrics: Metrics) -> str:
    metric = metrics["metric"]
    rows = [row for row in ("float", "quantized") if f"{metric}_{row}" in metrics]
    said = ", ".join(f"{shown(metric, metrics[f'{metric}_{row}'])} {row}" for row in rows)
    return f"{metric_title(metric)} {said} ({metrics['images']} images)"


def _verify(metrics: Metrics) -> str:
    said = []
    if metrics["agreement"] is not None:
        said.append(f"agrees with {metrics['reference']} on {100 * metrics['agreement']:.2f} %")
    if metrics["relative"] is not None:
        said.append(f"error {metrics['relative']:.1e}")
    return ", ".join(said)


def _rewrite(metrics: Metrics) -> str:
    before, after = metrics["multiply_adds_before"], metrics["multiply_adds_after"]
    said = (
        f"{metrics['nodes_before']} -> {metrics['nodes_after']} nodes, {before / 1e9:.1f} -> {after / 1e9:.1f} G MACs"
    )
    return said + (f", taken back: {', '.join(metrics['rolled_back'])}" if metrics["rolled_back"] else "")


def _layers(metrics: Metrics) -> str:
    said = "as the float model" if metrics["snr_db"] is None else f"{metrics['snr_db']:.1f} dB at the output"
    worst = next((it["snr_db"] for it in metrics["worst"] if it["snr_db"] is not None), None)
    return said if worst is None else f"{said}, {worst:.1f} dB behind the worst layer"


def _deploy(metrics: Metrics) -> str:
    said = f"{metrics['latency_ms']['avg']:.3f} ms on {metrics['board']}"
    for metric in (name for task in TASKS for name in metrics_of(task, labels=True)[:1]):
        if f"{metric}_board" in metrics:
            value = shown(metric, metrics[f"{metric}_board"])
            said += f", {metric_title(metric)} {value} ({metrics['images']} images)"
    return said


def _judge(metrics: Metrics) -> str:
    said = [f"{it['figure']} {it['value']:.6g}, {it['bound']} {it['limit']:g}" for it in metrics["checks"]]
    return "; ".join(said) or "the recipe sets no limit"


_FIGURES: dict[str, Callable[[Metrics], str]] = {
    "export": lambda m: f"{m['nodes']} nodes, {size(m['bytes'])}",
    "simplify": lambda m: f"{m['nodes_before']} -> {m['nodes_after']} nodes",
    "rewrite": _rewrite,
    "head": lambda m: ", ".join(f"{o['name']} {'x'.join(map(str, o['shape']))}" for o in m["outputs"]),
    "verify": _verify,
    "calibrate": lambda m: f"{m['images']} images, {size(m['bytes'])}",
    "compile": lambda m: f"{size(m['bytes'])}" + (f", {m['method']}" if "method" in m else ""),
    "evaluate": _evaluate,
    "ladder": lambda m: m["verdict"].partition(". Look")[0],
    "layers": _layers,
    "sensitivity": lambda m: f"{len(m['blocks'])} blocks, most to win in {m['blocks'][0]['block']}",
    "judge": _judge,
    "deploy": _deploy,
    "judge-board": _judge,
    "bundle": lambda m: f"{m['files']} files, {size(m['bytes'])}",
}
