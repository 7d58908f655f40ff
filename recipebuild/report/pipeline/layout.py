"""Where each node of the pipeline is drawn: layers from left to right, as few crossings as a few sweeps give.

The method is that of Sugiyama, Tagawa and Toda (IEEE SMC 11(2), 1981): layers by the longest path, nodes of no width
on edges that pass a layer, then each layer ordered by the mean place of its neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recipebuild.report.pipeline.nodes import StepNode

_SWEEPS = 4

Place = tuple[int, float]
"""Column and row; rows are centred about 0."""


@dataclass(frozen=True)
class PipelineLayout:
    """A drawing, in units of one box.

    Attributes:
        places: Where each node is, by its id.
        edges: For each edge the places that it passes, from the step that is needed to the one that needs it.
        columns: How many.
        rows: How many rows the fullest column has.
    """

    places: Mapping[str, Place]
    edges: Sequence[Sequence[Place]]
    columns: int
    rows: int


def layout(nodes: Sequence[StepNode]) -> PipelineLayout:
    """Place nodes, each of which comes after those that it needs."""
    column = _columns(nodes)
    paths = [_path(need, node.id, column) for node in nodes for need in node.needs]
    order: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name, layer in [*column.items(), *((name, at) for path in paths for name, at in path[1:-1])]:
        order[layer].append(name)
    left: dict[str, list[str]] = {}
    right: dict[str, list[str]] = {}
    for path in paths:
        for (one, _), (other, _) in itertools.pairwise(path):
            left.setdefault(other, []).append(one)
            right.setdefault(one, []).append(other)
    rows = _rows(order)
    for sweep in range(_SWEEPS):
        neighbours, layers = (left, order) if sweep % 2 == 0 else (right, order[::-1])
        for names in layers:
            means = {name: _mean(neighbours.get(name, ()), rows, rows[name]) for name in names}
            names.sort(key=means.__getitem__)
            rows |= _rows([names])
    return PipelineLayout(
        {node.id: (column[node.id], rows[node.id]) for node in nodes},
        [[(at, rows[name]) for name, at in path] for path in paths],
        len(order),
        max(map(len, order), default=0),
    )


def _columns(nodes: Sequence[StepNode]) -> dict[str, int]:
    """The longest way to each node; one that needs nothing stands right before what needs it."""
    column: dict[str, int] = {}
    for node in nodes:
        column[node.id] = max((column[need] + 1 for need in node.needs), default=0)
    for node in nodes:
        users = [column[user.id] for user in nodes if node.id in user.needs]
        if not node.needs and users:
            column[node.id] = min(users) - 1
    return column


def _path(start: str, end: str, column: Mapping[str, int]) -> list[tuple[str, int]]:
    """An edge as the names and columns of what it passes."""
    first, last = column[start], column[end]
    return [(start, first), *((f"{start}>{end}:{at}", at) for at in range(first + 1, last)), (end, last)]


def _rows(layers: Sequence[Sequence[str]]) -> dict[str, float]:
    return {name: index - (len(layer) - 1) / 2 for layer in layers for index, name in enumerate(layer)}


def _mean(names: Sequence[str], rows: Mapping[str, float], default: float) -> float:
    return sum(rows[name] for name in names) / len(names) if names else default
