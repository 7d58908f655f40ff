"""A plan, as ``recipebuild plan`` tells it: what is cached, what would be built, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recipebuild.report.explain import change_row

_CODE = "code.recipebuild."
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
    if any(step["status"] == "follows" for step in plan["steps"]):
        lines.append("Steps that follow run only if the results before them change.")
    return "\n".join([*lines, *plan["notes"]])


def _name(step: Mapping[str, Any]) -> str:
    return f"{step['name']} {step['variant']}".strip()


def _why(step: Mapping[str, Any]) -> str:
    if step["status"] == "cached":
        return ""
    if step["status"] == "fetch":
        return "from the remote store"
    if step["status"] == "follows":
        return f"after {', '.join(name.rpartition('/')[2] for name in step['after'])}"
    if step["error"]:
        return str(step["error"])
    if not step["why"]:
        return "never built before"
    rows = [change_row(change) for change in step["why"]]
    code = [name.rpartition(".")[2] for name, _, _ in rows if name.startswith(_CODE)]
    changes = [f"{name}: {values}" for name, values, _ in rows if not name.startswith(_CODE)]
    reasons = [f"{'; '.join(changes[:_SHOWN])}{_more(changes)}"] if changes else []
    return "; ".join([*reasons, *([f"code of {', '.join(code[:_SHOWN])}{_more(code)}"] if code else [])])


def _more(named: Sequence[str]) -> str:
    return f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
