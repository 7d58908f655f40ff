"""The pipeline as SVG: a box for each step with its time and state, light and dark, readable by screen readers."""

from __future__ import annotations

from collections.abc import Sequence

from recipebuild.report.pipeline.layout import Place, layout
from recipebuild.report.pipeline.nodes import StepNode
from recipebuild.report.template import render
from recipebuild.report.units import duration

_WIDTH, _HEIGHT = 120, 50
_ACROSS, _DOWN = 22, 18
_MARGIN = 6

STATES = {
    "built": "built",
    "cached": "cached",
    "failed": "failed",
    "skipped": "skipped",
    "queued": "waiting",
    "running": "running",
    "fetch": "to be fetched",
    "build": "to be built",
    "follows": "follows",
}
"""What each status is called in the picture."""


def svg(nodes: Sequence[StepNode], title: str) -> str:
    """The picture, as an ``<svg>`` element that can stand in a page or alone in a file.

    Args:
        nodes: Each after those that it needs.
        title: What it shows.
    """
    drawn = layout(nodes)
    middle = (drawn.rows - 1) / 2

    def corner(place: Place) -> tuple[float, float]:
        column, row = place
        return _MARGIN + column * (_WIDTH + _ACROSS), _MARGIN + (row + middle) * (_HEIGHT + _DOWN)

    boxes = []
    for node in nodes:
        x, y = corner(drawn.places[node.id])
        words = [node.name, node.variant, STATES.get(node.status, node.status), duration(node.seconds)]
        boxes.append(
            {"node": node, "x": x, "y": y, "time": duration(node.seconds), "said": ", ".join(filter(None, words))}
        )
    return render(
        "pipeline.svg.j2",
        title=title,
        boxes=boxes,
        curves=[_curve([corner(place) for place in path]) for path in drawn.edges],
        states=STATES,
        shown=list(dict.fromkeys(node.status for node in nodes)),
        box=(_WIDTH, _HEIGHT),
        width=drawn.columns * (_WIDTH + _ACROSS) - _ACROSS + 2 * _MARGIN,
        height=drawn.rows * (_HEIGHT + _DOWN) - _DOWN + 2 * _MARGIN,
    )


def _curve(corners: Sequence[tuple[float, float]]) -> str:
    """An SVG path from the right side of the first box to the left side of the last, by what is between."""
    half = _HEIGHT / 2
    (x, y), *rest = corners
    drawn = f"M{x + _WIDTH:g},{y + half:g}"
    at = x + _WIDTH, y + half
    for index, (x, y) in enumerate(rest):
        to = x, y + half
        bend = (to[0] - at[0]) / 2
        drawn += f"C{at[0] + bend:g},{at[1]:g} {to[0] - bend:g},{to[1]:g} {to[0]:g},{to[1]:g}"
        if index < len(rest) - 1:
            drawn += f"h{_WIDTH}"
        at = to[0] + _WIDTH, to[1]
    return drawn
