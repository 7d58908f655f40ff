"""The tables that the tool prints with rich, as rows: ``rows = Tables(); rows.read(line) -> LogTable | None``.

A title stands above, cells are cut with ``…`` or go on in the next line; rows are told apart by lines (├┼┤) where there
are any, else by a first cell that is not empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_TOP, _BOTTOM, _RULE, _HEAD, _ROW = "┏", "└", "├", "┃", "│"


@dataclass
class LogTable:
    """One table.

    Attributes:
        title: What stands above it.
        columns: The columns' heads.
        rows: The cells, as text; what is cut ends in ``…``.
    """

    title: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def records(self) -> list[dict[str, str]]:
        """The rows as mappings from column to cell."""
        return [dict(zip(self.columns, row, strict=False)) for row in self.rows]


class Tables:
    """Puts tables together from lines, one at a time."""

    def __init__(self) -> None:
        self._last = ""
        self._table: LogTable | None = None
        self._ruled = False
        self._fresh = True

    def read(self, line: str) -> LogTable | None:
        """Take the next line; give a table when this line was its last."""
        text = line.strip()
        if text.startswith(_TOP):
            self._table, self._ruled, self._fresh = LogTable(self._last), False, True
        elif self._table is None:
            self._last = text or self._last
        elif text.startswith(_HEAD):
            self._table.columns = _joined(self._table.columns, _cells(text, _HEAD))
        elif text.startswith(_RULE):
            self._ruled = self._fresh = True
        elif text.startswith(_ROW):
            self._row(_cells(text, _ROW))
        elif text.startswith(_BOTTOM):
            finished, self._table, self._last = self._table, None, ""
            return finished
        return None

    def _row(self, cells: list[str]) -> None:
        assert self._table is not None  # noqa: S101 - a row comes after a table's top
        rows = self._table.rows
        goes_on = rows and not self._fresh and (self._ruled or not cells[0])
        if goes_on:
            rows[-1] = _joined(rows[-1], cells)
        else:
            rows.append(cells)
        self._fresh = False


def _cells(text: str, bar: str) -> list[str]:
    return [cell.strip() for cell in text.strip(bar).split(bar)]


def _joined(above: list[str], below: list[str]) -> list[str]:
    if not above:
        return below
    return [f"{one} {other}".strip() for one, other in zip(above, below, strict=False)]
