"""A run as plain lines on standard error: off a terminal, with NO_COLOR, with -v, and in GitHub Actions."""

from __future__ import annotations

import time

from recipebuild.cli.exits import say
from recipebuild.engine.events import Event, OnEvent
from recipebuild.verbs.run import figure

_TEXTS = {
    "waiting": "waiting: {text}",
    "retrying": "{text}",
    "fetching": "fetching from the remote store",
    "started": "started",
    "built": "built in {seconds:.1f} s",
    "failed": "failed after {seconds:.1f} s",
}

_QUIET_SECONDS = 10.0
"""How long a step says nothing, at least, between two lines on its progress."""


def warnings(event: Event) -> None:
    """With -q: what is worth a warning, and nothing else."""
    if event.status == "warning":
        say(f"warning: {event.text}")


def plain_lines(*, verbose: bool) -> OnEvent:
    """A line for what happens; with ``verbose`` for all of it: what is cached, each progress, the figures."""
    last_line_at: dict[str, float] = {}
    last_text: dict[str, str] = {}

    def on_event(event: Event) -> None:
        name, now = event.step.id, time.monotonic()
        warnings(event)
        if event.status in _TEXTS:
            more = figure({"name": event.step.name, "metrics": event.metrics or {}}) if verbose else ""
            line = _TEXTS[event.status].format(seconds=event.seconds, text=event.text)
            say(f"{name}: {line}{f': {more}' if more and event.status == 'built' else ''}")
            last_line_at[name] = now
        elif event.status == "progress" and event.text and event.text != last_text.get(name):
            if verbose or now - last_line_at.get(name, now) > _QUIET_SECONDS:
                say(f"{name}: {event.text}")
                last_line_at[name], last_text[name] = now, event.text
        elif verbose and event.status in ("cached", "skipped"):
            say(f"{name}: {event.status}")

    return on_event


def actions_groups() -> OnEvent:
    """For the log of GitHub Actions: a group for each step that ran, folded, with all that it said."""
    texts: dict[str, list[str]] = {}

    def on_event(event: Event) -> None:
        name = event.step.id
        if event.status == "warning":
            say(f"::warning title={_property(name)}::{_data(event.text)}")
        elif event.status in ("progress", "waiting", "retrying", "fetching"):
            text = event.text or _TEXTS.get(event.status, "")
            lines = texts.setdefault(name, [])
            if text and text not in lines[-1:]:
                lines.append(text)
        elif event.status in ("built", "failed"):
            figures = figure({"name": event.step.name, "metrics": event.metrics or {}}) if event.metrics else ""
            say(f"::group::{name}: {_TEXTS[event.status].format(seconds=event.seconds, text='')}")
            for line in [*texts.pop(name, []), *([figures] if figures else [])]:
                say(f"  {line}")
            say("::endgroup::")

    return on_event


def annotation(message: str, *, title: str = "", file: str = "", line: int = 0, column: int = 0) -> str:
    """An error as GitHub Actions marks it, beside the line of the file if there is one."""
    values = {"file": file, "line": line or "", "col": column or "", "title": title}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in values.items() if value)
    return f"::error {properties}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
