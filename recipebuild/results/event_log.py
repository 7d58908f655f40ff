"""The event log of a build: what a run tells while it works, for those who watch from another process.

``build/<name>/.events.jsonl`` is there while a run builds something; ``follow`` reads it. Its first line says which
steps there are; each further one is an event. The run holds a lock on the file, so that a log which a killed run left
behind is known as such.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipebuild.engine.events import Event
from recipebuild.plan.plan import Plan

EVENTS = ".events.jsonl"

_BETWEEN = 0.2
"""Seconds between two events that tell a step's progress."""


@dataclass
class _Log:
    plan: Plan
    path: Path
    began: float
    waiting: list[str] = field(default_factory=list)
    file: io.TextIOWrapper | None = None
    given_up: bool = False


class EventLog:
    """The logs of all builds of a run. Nothing is written until a step is built: a run with nothing to do has none.

    Trouble with a log is no trouble for the build: it is left alone then.

    Args:
        builds: Each plan, and its build folder.
    """

    def __init__(self, builds: Sequence[tuple[Plan, Path]]) -> None:
        began = time.time()
        logs = [_Log(plan, folder / EVENTS, began) for plan, folder in builds]
        self._logs = {step.id: log for log in logs for step in log.plan.steps}
        self._last: dict[str, float] = {}

    def write(self, event: Event) -> None:
        """Tell of an event."""
        log, now = self._logs[event.step.id], time.time()
        if event.status == "progress":
            if now - self._last.get(event.step.id, 0.0) < _BETWEEN:
                return
            self._last[event.step.id] = now
        entry: dict[str, Any] = {"step": event.step.id, "status": event.status, "at": round(now - log.began, 2)}
        entry |= {"fraction": round(event.fraction, 4)} if event.status == "progress" else {}
        entry |= {"text": event.text} if event.text else {}
        entry |= {"seconds": event.seconds} if event.seconds else {}
        line = json.dumps(entry) + "\n"
        if log.file is None and event.status in ("cached", "skipped"):
            log.waiting.append(line)
            return
        if log.file is None and not log.given_up:
            self._open(log)
        if log.file:
            with contextlib.suppress(OSError):
                log.file.write(line)
                log.file.flush()

    def close(self) -> None:
        """Remove the logs: from now on, the manifests tell."""
        for log in self._logs.values():
            if log.file:
                with contextlib.suppress(OSError):
                    log.path.unlink(missing_ok=True)
                    log.file.close()
                log.file = None

    def _open(self, log: _Log) -> None:
        """Open a build's log, unless another run has it."""
        log.given_up = True
        steps = [
            {"id": step.id, "name": step.name, "variant": step.variant, "needs": sorted(step.before)}
            for step in log.plan.steps
        ]
        head = {"recipe": log.plan.name, "pid": os.getpid(), "began": round(log.began, 2), "steps": steps}
        with contextlib.suppress(OSError):
            file = log.path.open("a", encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.truncate(0)
                file.write(json.dumps(head) + "\n" + "".join(log.waiting))
                file.flush()
            except OSError:
                file.close()
                raise
            log.file = file


def is_running(folder: Path) -> bool:
    """Whether a run is building in a folder now."""
    try:
        with (folder / EVENTS).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def follow(folder: Path, poll: float = 0.25) -> Iterator[dict[str, Any] | None]:
    """What the run in a folder tells, from its beginning on, until it ends; ``None`` at each look without news.

    Args:
        folder: The build folder.
        poll: Seconds between looks.
    """
    try:
        file = (folder / EVENTS).open(encoding="utf-8")
    except OSError:
        return
    with file:
        rest = ""
        while True:
            running = is_running(folder)
            for line in file:
                rest += line
                if rest.endswith("\n"):
                    with contextlib.suppress(ValueError):
                        yield json.loads(rest)
                    rest = ""
            if not running:
                return
            yield None
            time.sleep(poll)
