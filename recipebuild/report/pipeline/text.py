"""The pipeline in the languages of Mermaid (https://mermaid.js.org/syntax/flowchart.html) and Graphviz (DOT)."""

from __future__ import annotations

from collections.abc import Sequence

from recipebuild.report.pipeline.nodes import StepNode
from recipebuild.report.pipeline.svg import STATES
from recipebuild.report.units import duration

_COLORS = {
    "built": ("#dcefe2", "#1a7f37"),
    "cached": ("#f0f2f5", "#8a97a6"),
    "failed": ("#fde3e1", "#c5221f"),
    "skipped": ("#ffffff", "#8a97a6"),
    "fetch": ("#e0f2f1", "#00796b"),
    "build": ("#dbeafe", "#0b62d6"),
    "follows": ("#eef5ff", "#0b62d6"),
}
"""Fill and border by status."""


def mermaid(nodes: Sequence[StepNode]) -> str:
    """A flowchart that GitHub and GitLab draw in Markdown."""
    ids = {node.id: f"s{index}" for index, node in enumerate(nodes)}
    lines = ["flowchart LR"]
    for node in nodes:
        label = "<br/>".join(line.replace('"', "#quot;") for line in _lines(node))
        lines.append(f'  {ids[node.id]}["{label}"]:::{node.status}')
    lines += [f"  {ids[need]} --> {ids[node.id]}" for node in nodes for need in node.needs]
    for status in dict.fromkeys(node.status for node in nodes):
        fill, line = _COLORS[status]
        dashes = ",stroke-dasharray:4" if status in ("skipped", "follows") else ""
        lines.append(f"  classDef {status} fill:{fill},stroke:{line},color:#1b1f24{dashes}")
    return "\n".join(lines) + "\n"


def dot(nodes: Sequence[StepNode], name: str) -> str:
    """A graph for Graphviz."""
    lines = [
        f"digraph {_quoted(name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11, fontcolor="#1b1f24"];',
    ]
    for node in nodes:
        fill, line = _COLORS[node.status]
        label = _quoted("\n".join(_lines(node)))
        lines.append(f'  {_quoted(node.id)} [label={label}, fillcolor="{fill}", color="{line}"];')
    lines += [f"  {_quoted(need)} -> {_quoted(node.id)};" for node in nodes for need in node.needs]
    return "\n".join([*lines, "}"]) + "\n"


def _lines(node: StepNode) -> list[str]:
    state = STATES.get(node.status, node.status)
    return list(filter(None, [node.name, node.variant, f"{state} {duration(node.seconds)}".strip()]))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
