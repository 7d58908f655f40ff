"""Tables for the terminal, as text."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def rendered(table: Table) -> str:
    """The table, with colours if standard output shows them, and an empty line after it."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, force_terminal=sys.stdout.isatty(), highlight=False).print(table)
    return text.getvalue() + "\n"


def aligned(title: str, rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
    """A title, and rows of words in the first column and figures in all others, with an empty line after them.

    For tables that may have hundreds of rows, and whose figures must not be cut where the terminal is narrow.
    """
    cells = [list(columns), *([row[name] for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        figures = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *figures)).rstrip())
    return "\n".join((title, *lines)) + "\n\n"
