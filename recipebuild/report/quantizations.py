"""Two quantizations told to people: which tensors differ, and by how much.   Use: ``render(changes(difference))``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group

_ROWS = 40
_NAMES = 5


def changes(difference: Mapping[str, Any]) -> Group:
    """How many tensors are equal, a row for each of the first that are not, and which only one has."""
    from rich.console import Group
    from rich.table import Table

    changed = difference["changed"]
    lines = [f"{difference['equal']} tensors are equal, {len(changed)} differ"]
    for which, name in (("only_first", "first"), ("only_second", "second")):
        names = difference[which]
        more = ", ..." if len(names) > _NAMES else ""
        if names:
            lines.append(f"{len(names)} in the {name} only: {', '.join(names[:_NAMES])}{more}")
    table = Table("tensor", "first", "second", "scale", "zero point", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for column in table.columns[3:]:
        column.justify = "right"
    for change in changed[:_ROWS]:
        scale = f"{100 * change['scale']:.3g} %" if change["scale"] else ""
        table.add_row(
            change["tensor"],
            " ".join(change["before"]),
            " ".join(change["after"]),
            scale,
            str(change["zero_point"] or ""),
        )
    if len(changed) > _ROWS:
        lines.append(f"the first {_ROWS} of them; --json has all")
    return Group("\n".join(lines), table) if changed else Group("\n".join(lines))
