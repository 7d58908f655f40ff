"""What a run shows while it runs, on standard error: on a terminal a picture that moves, elsewhere plain lines."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from recipebuild.cli.exits import in_actions, say
from recipebuild.cli.lines import actions_groups, plain_lines, warnings
from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.step import Step


class Display:
    """Hears events, and shows them.

    Args:
        on_event: What shows them.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self.steps: Sequence[Step] = ()
        self.jobs = 1
        self.workers = "1 worker"

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._on_event(event)

    def plan(self, steps: Sequence[Step], jobs: int, executor: str = "local") -> None:
        """Be told what is going to run, and how many steps at once."""
        self.steps, self.jobs = steps, jobs
        self.workers = f"{jobs} worker{'s' if jobs > 1 else ''}" if executor == "local" else "on a Dask cluster"


@contextlib.contextmanager
def display(
    *, quiet: bool = False, verbose: bool = False, seconds: Callable[[], Mapping[str, float]] = dict
) -> Iterator[Display]:
    """Show events as they come. Nothing is shown, and nothing heavy imported, until a step must be built.

    Args:
        quiet: Show warnings only.
        verbose: Show all, line by line.
        seconds: Gives how long each step took the last time, by its id; asked once, when a step must be built.
    """
    if quiet:
        yield Display(warnings)
    elif in_actions() and not verbose:
        yield Display(actions_groups())
    elif verbose or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        yield Display(plain_lines(verbose=verbose))
    else:
        yield from _on_terminal(seconds)


def _on_terminal(seconds: Callable[[], Mapping[str, float]]) -> Iterator[Display]:
    # The screen is made at the first step that is built: a run that finds all in the store never loads rich.
    with contextlib.ExitStack() as stack:
        before: list[Event] = []
        show: list[OnEvent] = []

        def on_event(event: Event) -> None:
            if not show and event.status in ("started", "waiting", "fetching"):
                from recipebuild.cli.screen import Screen

                screen = Screen(stack, shown.steps, shown.workers, shown.jobs, seconds())
                show.append(screen)
                for earlier in before:
                    screen(earlier)
            if show:
                show[0](event)
            elif event.status == "warning":
                say(f"warning: {event.text}")
            else:
                before.append(event)

        shown = Display(on_event)
        yield shown
