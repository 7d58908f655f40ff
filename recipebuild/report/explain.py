"""Why a step is built, as ``recipebuild explain`` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def explain_text(step: Mapping[str, Any]) -> str:
    """An explanation as lines for the terminal.

    Args:
        step: An entry of what ``explain --json`` prints.
    """
    lines = [_headline(step)]
    rows = [change_row(change) for change in step["why"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    lines += [f"  {name:{widths[0]}}  {values:{widths[1]}}  {place}".rstrip() for name, values, place in rows]
    if step["then"]:
        lines.append("later steps, which run only if their inputs change:")
        width = max(len(after["id"]) for after in step["then"])
        lines += [f"  {after['id']:{width}}  {_duration(after)}" for after in step["then"]]
    return "\n".join([*lines, *step["notes"]])


def change_row(change: Mapping[str, Any]) -> tuple[str, str, str]:
    """A change as a name, ``old -> new``, and where the new value was written."""
    name = change["field"] or change["where"]
    if change["where"].startswith("inputs.") and not change["field"]:
        name = f"{change['where']} (its content)"
    return name, f"{short(change['old'])} -> {short(change['new'])}", change["place"] or ""


def short(value: object) -> str:
    """A value in at most 40 characters; of a digest the first ten."""
    text = "nothing" if value is None else str(value)
    is_digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:10] if is_digest else text if len(text) <= 40 else f"{text[:39]}…"


def _headline(step: Mapping[str, Any]) -> str:
    name, last = step["id"], _duration(step)
    if step["error"]:
        return f"{name} cannot be built: {step['error']}"
    if step["status"] in ("cached", "fetch"):
        where = "is cached" if step["status"] == "cached" else "is in the remote store"
        text = f"{name} {where}: built {_moment(step['built_last_time'])} ({last})"
        return f"{text}; changed since {_moment(step['since'])}:" if step["since"] else f"{text}, for the first time"
    text = f"{name} waits for {', '.join(step['after'])}" if step["after"] else f"{name} would be built"
    if not step["since"]:
        return f"{text}; never built before"
    since = f"since {_moment(step['since'])} ({last})"
    return f"{text}; changed {since}:" if step["why"] else f"{text}; nothing else changed {since}"


def _moment(finished: str) -> str:
    return f"{finished[:19].replace('T', ' ')} UTC"


def _duration(step: Mapping[str, Any]) -> str:
    seconds = step["seconds_last_time"]
    if seconds is None:
        return "never built yet"
    return f"{seconds:.1f} s last time" if seconds < 90 else f"{seconds / 60:.1f} min last time"
