"""A plan, as ``recipebuild plan`` tells it: what is cached, what would be built, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recipebuild.report.explain import change_row

_SHOWN = 3
"""Changes named in a step's line; the rest are counted."""


def plan_text(plan: Mapping[str, Any]) -> str:
    """The plan as lines for the terminal.

    Args:
        plan: What ``plan --json`` prints.
    """
    width = max(len(_name(step)) for step in plan["steps"])
    lines = [f"{plan['recipe']} ({plan['toolchain']})"]
    lines += [f"  {_name(step):{width}}  {step['status']:7}  {_why(step)}".rstrip() for step in plan["steps"]]
    return "\n".join([*lines, *plan["notes"]])


def _name(step: Mapping[str, Any]) -> str:
    return f"{step['name']} {step['variant']}".strip()


def _why(step: Mapping[str, Any]) -> str:
    if step["status"] == "cached":
        return ""
    if step["status"] == "fetch":
        return "from the remote store"
    if step["status"] == "follows":
        return f"after {', '.join(step['after'])}; cached if their results stay the same"
    if step["error"]:
        return str(step["error"])
    if not step["why"]:
        return "never built before"
    changes = [f"{name}: {values}" for name, values, _ in map(change_row, step["why"][:_SHOWN])]
    more = len(step["why"]) - _SHOWN
    return "; ".join(changes) + (f"; and {more} more" if more > 0 else "")
