"""The models of shipped recipes for people: as a table on the terminal, and as lines of text for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("recipe", "task", "size", "parameters", "multiply-adds", "estimated", "accuracy")
"""What ``cells`` gives of a model; ``estimated`` is the time of an image on AX650N with all three cores."""

_NUMBERS = ("size", "parameters", "multiply-adds", "estimated")


def cells(row: Mapping[str, Any]) -> list[str]:
    """The words of a row of ``verbs.models``, one for each of ``COLUMNS``; a dash for what is not known."""
    parameters, work, ms = row["parameters"], row["multiply_adds"], row["estimated_ms"]
    return [
        row["recipe"],
        row["task"],
        f"{row['height']}x{row['width']}",
        f"{parameters / 1e6:.1f} M" if parameters else "-",
        f"{work / 1e9:.1f} G" if work else "-",
        f"{ms:g} ms" if ms else "-",
        row["accuracy"] or "-",
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each model."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False)
    for title in COLUMNS:
        made.add_column(title, justify="right" if title in _NUMBERS else "left", no_wrap=title == "recipe")
    for row in rows:
        made.add_row(*cells(row))
    return made
