"""Tables for the terminal, as text."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def rendered(table: Table) -> str:
    """The table, with colours if standard output shows them, and an empty line after it."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, force_terminal=sys.stdout.isatty(), highlight=False).print(table)
    return text.getvalue() + "\n"
