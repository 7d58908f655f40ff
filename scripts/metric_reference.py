"""Prints docs/accuracy.md's table of metrics, made from their rows: ``python -m scripts.metric_reference``."""

from __future__ import annotations

from recipebuild.facts.metrics import METRICS

_UNITS = {"%": "0 to 1", "dB": "dB", "": ""}


def table() -> str:
    """The table in Markdown: name, tasks, unit, meaning."""
    lines = ["| figure | for | unit | what it says |", "|---|---|---|---|"]
    for metric in METRICS.values():
        what = f"{metric.what}; less is better" if metric.lower_is_better else metric.what
        tasks = ", ".join(metric.tasks)
        against = "" if metric.labels else "without labels: "
        lines.append(f"| `{metric.name}` | {against}{tasks or 'all tasks'} | {_UNITS[metric.unit]} | {what} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
