"""How far a run is: which steps can be looked at now, how those before them ended, what is known under each key."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from graphlib import TopologicalSorter

from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.record import Record
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result


class Ledger:
    """The account of a run of ``steps``; each end of a step is told to ``on_event``.

    Attributes:
        steps: The plan's steps, by id.
        ready: Ids of the steps whose predecessors have all ended, and that nobody has looked at yet.
        records: Of the steps that succeeded, by id.
    """

    def __init__(self, steps: Sequence[Step], store: Store, on_event: OnEvent) -> None:
        self.steps = {step.id: step for step in steps}
        self._store = store
        self._tell = on_event
        self._order = TopologicalSorter({step.id: step.before for step in steps})
        self._order.prepare()
        self.ready = deque(self._order.get_ready())
        self.records: dict[str, Record] = {}
        self._known: dict[str, Record] = {}  # by key: recipes that share steps share their records
        self._results: dict[str, Result] = {}

    def find(self, key: str) -> Record | None:
        """The record under ``key``, of this run or in the store; it is noted there that it was of use."""
        if record := self._known.get(key):
            return record
        if record := self._store.find(key):
            self._store.used(record)
        return record

    def end(self, result: Result) -> None:
        """Note how a step ended; one that was built fails after all if its result cannot be kept."""
        step = result.step
        if step.id not in self._results:
            self._order.done(step.id)
            self.ready.extend(self._order.get_ready())
        self._results[step.id] = result
        if record := result.record:
            self.records[step.id] = self._known[record.key] = record
        elif taken_back := self.records.pop(step.id, None):
            del self._known[taken_back.key]
        metrics = dict(result.record.metrics) if result.record else None
        self._tell(Event(step, result.status, seconds=result.seconds, metrics=metrics))

    def next_step(self) -> Step | None:
        """The first step that has not ended, though all before it succeeded."""
        open_ = (step for step in self.steps.values() if step.id not in self._results)
        return next((step for step in open_ if all(name in self.records for name in step.before)), None)

    def results(self) -> dict[str, Result]:
        """How each step ended, by its id; ``skipped`` where that was never noted."""
        return {name: self._results.get(name) or Result(step, "skipped") for name, step in self.steps.items()}
