"""Names for what is added to a graph."""

from __future__ import annotations


def free_name(name: str, taken: set[str | None]) -> str:
    """``name``, or ``name_2`` and so on if it is among ``taken``, to which it is added."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free
