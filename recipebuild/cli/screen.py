"""A run on a terminal: a line a step, with progress and time inside, and a line on the whole below."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recipebuild.cli.forecast import Forecast, span
from recipebuild.engine.events import Event
from recipebuild.engine.step import Step
from recipebuild.verbs.run import figure

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_ICONS = {"built": ("✓", "green"), "cached": ("·", "dim"), "failed": ("✗", "bold red"), "waiting": ("…", "yellow")}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BAR = 12


class Screen:
    """What a run shows while it runs; it is gone when the run ends, and the summary takes its place.

    Args:
        stack: Closed when the run ends.
        steps: The plan's steps.
        workers: How many run at once, in words: ``2 workers``.
        jobs: The same as a number.
        seconds: By a step's id, how long it took the last time.
    """

    def __init__(
        self, stack: contextlib.ExitStack, steps: Sequence[Step], workers: str, jobs: int, seconds: Mapping[str, float]
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._forecast = Forecast(steps, seconds)
        self._count, self._workers, self._jobs = len(steps), workers, jobs
        self._several = len({step.id.rpartition("/")[0] for step in steps}) > 1
        self._rows: dict[str, tuple[str, str]] = {}
        self._ends: Counter[str] = Counter()
        self._console: Console = Console(stderr=True)
        live = Live(
            get_renderable=self._picture, console=self._console, transient=True, refresh_per_second=8,
            redirect_stdout=False,
        )  # fmt: skip
        stack.enter_context(live)

    def __call__(self, event: Event) -> None:
        """Take in what happened; the picture is made anew eight times a second."""
        name = event.step.id
        match event.status:
            case "warning":
                self._console.print(f"warning: {event.text}", markup=False, highlight=False)
            case "started":
                self._forecast.started(name, time.monotonic())
                self._rows[name] = ("running", "")
            case "progress":
                self._forecast.progress(name, event.fraction, time.monotonic())
                self._rows[name] = ("running", event.text)
            case "waiting" | "retrying":
                self._rows[name] = ("waiting", event.text)
            case "fetching":
                self._rows[name] = ("waiting", "fetching from the remote store")
            case "built" | "failed":
                figures = figure({"name": event.step.name, "metrics": event.metrics or {}}) if event.metrics else ""
                self._end(name, event.status, f"{span(event.seconds):>6}  {figures}".rstrip())
            case "cached" | "skipped":
                self._end(name, event.status, "")

    def _end(self, name: str, status: str, text: str) -> None:
        self._forecast.ended(name)
        self._ends[status] += 1
        self._rows.pop(name, None)
        if status in ("built", "failed"):
            self._rows[name] = (status, text)

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        now = time.monotonic()
        rows = [(name if self._several else name.rpartition("/")[2], name, *row) for name, row in self._rows.items()]
        room = max(3, self._console.height - 3)
        ended = [name for _, name, status, _ in rows if status in ("built", "failed")]
        hidden = set(ended[: max(0, len(rows) - room)])
        width = max((len(shown) for shown, *_ in rows), default=0)
        lines = []
        for shown, name, status, text in rows:
            if name in hidden:
                continue
            if status == "running":
                frame, done = _SPINNER[int(12 * now) % len(_SPINNER)], round(_BAR * self._forecast.fraction(name, now))
                bar = ("━" * done, "green"), ("━" * (_BAR - done), "grey35")
                line = Text.assemble(f"{frame} {shown:<{width}}  ", *bar, f" {self._time(name, now)}  ", (text, "dim"))
            else:
                icon, style = _ICONS[status]
                line = Text.assemble(
                    (icon, style), f" {shown:<{width}}  ", (text, "dim" if status == "built" else style)
                )
            line.no_wrap, line.overflow = True, "ellipsis"  # where it gets narrow, the text at the end is cut
            lines.append(line)
        return Group(*lines, Text(self._footer(now), "dim"))

    def _time(self, name: str, now: float) -> str:
        passed, left = self._forecast.elapsed(name, now), self._forecast.left(name, now)
        elapsed = span(passed or 0.0)
        return f"{elapsed}, {span(left)} left" if left is not None and left >= 1 else elapsed

    def _footer(self, now: float) -> str:
        done = sum(self._ends.values())
        parts = ", ".join(f"{count} {status}" for status, count in sorted(self._ends.items()))
        left = self._forecast.all_left(now, self._jobs) if self._count else None
        eta = f" · about {span(left)} left" if left is not None and left >= 1 else ""
        of = f" of {self._count}" if self._count else ""
        return f"{done}{of} steps{f': {parts}' if parts else ''} · {self._workers}{eta}"
