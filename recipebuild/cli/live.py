"""The live display of a run, on standard error: one line a step, with progress inside; plain lines off a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

from recipebuild.cli.exits import say
from recipebuild.engine.events import Event, OnEvent


@contextlib.contextmanager
def display() -> Iterator[OnEvent]:
    """Show events as they come. Nothing is shown, and nothing heavy imported, until a step must be built."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        yield from _on_terminal()
    else:
        yield _plain_lines()


def _plain_lines() -> OnEvent:
    said = {
        "waiting": "waiting: {text}",
        "retrying": "{text}",
        "started": "started",
        "built": "built in {seconds:.1f} s",
        "failed": "failed after {seconds:.1f} s",
    }
    last_said: dict[str, float] = {}

    def on_event(event: Event) -> None:
        if event.status in said:
            say(f"{event.step.id}: {said[event.status].format(seconds=event.seconds, text=event.text)}")
            last_said[event.step.id] = time.monotonic()
        elif event.status == "progress" and event.text and time.monotonic() - last_said[event.step.id] > 10:
            say(f"{event.step.id}: {event.text}")
            last_said[event.step.id] = time.monotonic()

    return on_event


def _on_terminal() -> Iterator[OnEvent]:
    # The display is made at the first step that is built: a run that finds all in the store never loads rich.
    with contextlib.ExitStack() as stack:
        show: list[OnEvent] = []

        def on_event(event: Event) -> None:
            if not show and event.status in ("started", "waiting"):
                show.append(_rich(stack))
            if show:
                show[0](event)

        yield on_event


def _rich(stack: contextlib.ExitStack) -> OnEvent:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    progress = stack.enter_context(
        Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", style="dim"),
            console=Console(stderr=True),
        )
    )
    tasks: dict[str, TaskID] = {}
    styles = {"built": "[green]built[/]", "cached": "[dim]cached[/]", "failed": "[red]failed[/]"}

    def on_event(event: Event) -> None:
        if event.status == "skipped" or (event.status == "cached" and event.step.id not in tasks):
            return
        name = event.step.id
        if name not in tasks:
            tasks[name] = progress.add_task(name, total=1.0, text="")
        if event.status in styles:
            progress.update(tasks[name], completed=1.0, text=styles[event.status])
            progress.stop_task(tasks[name])
        elif event.status == "waiting":
            progress.update(tasks[name], text=event.text)
        else:
            progress.update(tasks[name], completed=event.fraction, text=event.text)

    return on_event
