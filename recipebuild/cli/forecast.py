"""How long a run still takes, from how long its steps took before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recipebuild.engine.step import Step


@dataclass
class _Running:
    began: float
    fraction: float = 0.0
    reported_at: float = 0.0


class Forecast:
    """What is known of a run's time.

    Args:
        steps: The plan's steps, each after those it needs.
        seconds: By a step's id, how long it took the last time.
    """

    def __init__(self, steps: Sequence[Step], seconds: Mapping[str, float]) -> None:
        self._steps = {step.id: step for step in steps}
        self._seconds = seconds
        self._running: dict[str, _Running] = {}
        self._done: set[str] = set()

    def started(self, name: str, now: float) -> None:
        """A step has begun, at ``now`` on any clock that counts seconds."""
        self._running[name] = _Running(now)

    def progress(self, name: str, fraction: float, now: float) -> None:
        """A running step has done ``fraction`` of its work, 0..1, by its own account."""
        if name in self._running:
            self._running[name].fraction, self._running[name].reported_at = fraction, now

    def ended(self, name: str) -> None:
        """A step is done, however it ended."""
        self._running.pop(name, None)
        self._done.add(name)

    def elapsed(self, name: str, now: float) -> float | None:
        """Seconds since a running step began."""
        return now - self._running[name].began if name in self._running else None

    def fraction(self, name: str, now: float) -> float:
        """How much of a running step is done, 0..1: what it says, or what its time tells if that is more."""
        if name not in self._running:
            return 0.0
        running, known = self._running[name], self._seconds.get(name)
        by_time = min(0.95, (now - running.began) / known) if known else 0.0
        return max(running.fraction, by_time)

    def left(self, name: str, now: float) -> float | None:
        """Seconds that a step still needs; ``None`` if nothing tells.

        A step that took its time before takes it again; one that is slower than that, or new, is judged by what it says
        itself, and since then by the clock.
        """
        if name in self._done:
            return 0.0
        known, running = self._seconds.get(name), self._running.get(name)
        if running is None:
            return known
        passed = now - running.began
        if known is not None and passed < known:
            return known - passed
        if running.fraction < 0.05:
            return None
        worked = running.reported_at - running.began
        left = worked * (1 - running.fraction) / running.fraction - (now - running.reported_at)
        return left if left > 0 else None

    def all_left(self, now: float, workers: int) -> float | None:
        """Seconds until all is done, with so many steps at once; ``None`` if a step is among them that is not known.

        It is at least the longest chain of steps that wait for each other, and at least the work by the workers.
        """
        chains: dict[str, float] = {}
        total = 0.0
        for step in self._steps.values():
            own = self.left(step.id, now)
            if own is None:
                return None
            total += own
            chains[step.id] = own + max((chains.get(name, 0.0) for name in step.before), default=0.0)
        return max(max(chains.values(), default=0.0), total / max(workers, 1))


def span(seconds: float) -> str:
    """Seconds for people: ``12 s``, ``3 min 20 s``, ``1 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
