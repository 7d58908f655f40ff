"""The models of shipped recipes for people: as a table on the terminal, and as words for the documentation's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("recipe", "task", "size", "parameters", "multiply-adds", "estimated", "accuracy")
"""What ``cells`` gives of a model; ``estimated`` is the time of an image on AX650N with all three cores."""

_FIRST_TO_GO = ("accuracy", "parameters", "task", "size")
"""The columns that a narrow terminal does without, the first first."""

_GAP = 2
_FEW = 50_000
"""Parameters that would be told as 0.0 M."""

_NUMBERS = ("size", "parameters", "multiply-adds", "estimated")


def cells(row: Mapping[str, Any]) -> list[str]:
    """The words of a row of ``verbs.models``, one for each of ``COLUMNS``; a dash for what is not known."""
    parameters, work, ms = row["parameters"], row["multiply_adds"], row["estimated_ms"]
    return [
        row["recipe"],
        row["task"],
        f"{row['height']}x{row['width']}" if row["height"] else "-",
        (f"{parameters / 1e6:.1f} M" if parameters > _FEW else f"{parameters / 1e3:.0f} k") if parameters else "-",
        f"{work / 1e9:.1f} G" if work else "-",
        f"{ms:g} ms" if ms else "-",
        row["accuracy"] or "-",
    ]


def table(rows: Sequence[Mapping[str, Any]], width: int | None) -> str:
    """A row for each model, with the columns that are not too wide together for ``width``: nothing is cut.

    Args:
        rows: Of ``verbs.models``.
        width: Characters in a line; ``None`` for any number.
    """
    columns = [[title, *words] for title, *words in zip(COLUMNS, *map(cells, rows), strict=True)]
    left_out = [title for title in _FIRST_TO_GO if title in COLUMNS]
    gone: list[str] = []
    while width and left_out and sum(max(map(len, each)) + _GAP for each in columns) - _GAP > width:
        gone.append(left_out.pop(0))
        columns = [each for each in columns if each[0] != gone[-1]]
    widths = [max(map(len, each)) for each in columns]
    lines = [
        (" " * _GAP)
        .join(
            word.rjust(wide) if column[0] in _NUMBERS else word.ljust(wide)
            for word, column, wide in zip(row, columns, widths, strict=True)
        )
        .rstrip()
        for row in zip(*columns, strict=True)
    ]
    if gone:
        lines += ["", f"In a wider terminal, or with --json, also: {', '.join(gone)}."]
    return "\n".join(lines)
