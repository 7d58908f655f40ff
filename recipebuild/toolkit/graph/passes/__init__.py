"""The rewrites of a graph: one file for each, with the equation that makes it exact.

A pass is a module with

    pattern(node) -> Match | None      what it looks for, around one node
    check(match) -> str | None         the guard: why it may not, or None if it may
    rewrite(edit, match)               what it puts there
    OPSET                              the first opset that has what it writes, if it is a newer one than passes need

Its name is the file's. ``PASSES`` says in which order they are applied, ``defaults`` which of them for which target;
both follow ``recipebuild.facts.rewrites``. The row's purpose says in which folder the file is.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from recipebuild.facts.rewrites import REWRITES, Rewrite

Pass = ModuleType


def _folder(row: Rewrite) -> str:
    """Where the file of a rewrite is, by its purpose. The slash makes the folder's modules count in keys of steps."""
    if not row.default:
        return "on_request/"
    return "spelling/" if row.targets == "npu" else "faster/"


def _module(row: Rewrite) -> Pass:
    return import_module(f"{__name__}.{_folder(row).rstrip('/')}.{row.name}")


PASSES: dict[str, Pass] = {row.name: _module(row) for row in REWRITES}
"""All passes by name, in the order in which they are applied."""


def defaults(target: str) -> list[str]:
    """The passes that are applied for a target, unless a recipe says otherwise: ``host``, or a chip such as AX650."""
    wanted = ("all", "host" if target == "host" else "npu")
    return [row.name for row in REWRITES if row.default and row.targets in wanted]
