"""Running a plan: look each step up by its key, build what is missing, in parallel, and record it.

``run_steps`` is the engine's one entrance. It starts no process and writes nothing when all steps are in the store.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from recipebuild.engine.claims import Claims, TakenError
from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.executor import Executor, Order, failure, found, keep, timed_out
from recipebuild.engine.keys import Keys
from recipebuild.engine.pool import Pool
from recipebuild.engine.record import Record
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result, Task
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import Interrupted, RecipebuildError, StepError, UnreachableError, disk_full

_POLL = 0.05
"""Seconds between looks at a lock that another process holds."""

_PATIENT = 60.0
"""Seconds to wait for news where nothing else needs a look."""


def run_steps(
    steps: Sequence[Step],
    store: Store,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    transfer: Transfer | None = None,
    keep_going: bool = False,
    slots: Mapping[str, int] = MappingProxyType({}),
    on_event: OnEvent = lambda event: None,
) -> dict[str, Result]:
    """Run a plan.

    Args:
        steps: The plan, in any order in which every step comes after those that it names.
        store: Where results are looked up and kept.
        jobs: How many steps may run at once, where there is no ``executor``.
        executor: What runs the steps instead of worker processes here; it is closed at the end.
        transfer: Looks for results in a remote store, and pushes there what is built.
        keep_going: After a failure, build all that does not depend on it; else start nothing more.
        slots: How many steps may hold a scarce resource at once, by its name; one where nothing is said.
        on_event: Called with each event, in this process.

    Returns:
        How each step ended, by its id. After Ctrl-C and SIGTERM, what was running has failed with ``Interrupted``.

    Raises:
        RecipeError: If something must be built and the store cannot be written.
    """
    return _Run(steps, store, executor or Pool(jobs), transfer, keep_going, slots, on_event).all()


class _Run:
    def __init__(
        self,
        steps: Sequence[Step],
        store: Store,
        executor: Executor,
        transfer: Transfer | None,
        keep_going: bool,
        slots: Mapping[str, int],
        on_event: OnEvent,
    ) -> None:
        self._steps = {step.id: step for step in steps}
        self._store = store
        self._keep_going = keep_going
        self._stopped = False
        self._tell = on_event
        self._keys = Keys(store.stats)
        self._executor = executor
        self._transfer = transfer
        self._claims = Claims(store.root / "locks", slots)
        self._results: dict[str, Result] = {}
        self._records: dict[str, Record] = {}
        self._known: dict[str, Record] = {}  # by key: recipes that share steps share their records
        self._missing = {step.id: len(step.before) for step in steps}
        self._followers: dict[str, list[str]] = {step.id: [] for step in steps}
        for step in steps:
            for name in step.before:
                self._followers[name].append(step.id)
        self._ready = deque(step.id for step in steps if not self._missing[step.id])
        self._fetching: dict[str, Task] = {}
        self._queue: list[Task] = []
        self._running: dict[str, Task] = {}

    def all(self) -> dict[str, Result]:
        try:
            while self._ready or self._fetching or self._queue or self._running:
                while self._ready:
                    self._settle(self._steps[self._ready.popleft()])
                self._start_queued()
                if self._running or ((self._queue or self._fetching) and not self._ready):
                    self._listen()
            while self._transfer and self._transfer.pushing:
                self._hear_transfer(1.0)
        except (KeyboardInterrupt, Interrupted):
            self._interrupt()
        finally:
            self._executor.close()
            for task in self._running.values():
                task.claim.release()
            self._store.stats.flush()
        return {name: self._results.get(name) or Result(step, "skipped") for name, step in self._steps.items()}

    # A step whose inputs are there: cached, or to be built.

    def _settle(self, step: Step) -> None:
        if self._stopped or any(self._results[name].record is None for name in step.before):
            self._end(Result(step, "skipped"))
            return
        try:
            ingredients = self._keys.ingredients(step, self._records)
        except StepError as error:
            self._stopped = not self._keep_going
            self._end(Result(step, "failed", error=error))
            return
        task = Task(step, ingredients, self._keys.key(ingredients))
        if record := self._known.get(task.key) or self._store.find(task.key):
            self._end(Result(step, "cached", record))
        elif self._transfer:
            self._fetching[step.id] = task
            self._transfer.fetch(step.id, task.key)
        else:
            self._queue.append(task)

    def _hear_transfer(self, timeout: float) -> None:
        """What the transfer says of a remote store, waiting at most ``timeout`` seconds."""
        for name, message in self._transfer.messages(timeout) if self._transfer else ():
            step = self._steps[name]
            if "warning" in message:
                self._tell(Event(step, "warning", text=message["warning"]))
            elif "fetching" in message:
                self._tell(Event(step, "fetching"))
            elif "fetched" in message:
                task = self._fetching.pop(name)
                if record := message["fetched"]:
                    self._end(Result(step, "cached", record))
                else:
                    self._queue.append(task)

    # A step that must be built: start it when a worker, its key and its resources are free.

    def _start_queued(self) -> None:
        building = {task.key for task in self._running.values()}
        for task in list(self._queue):
            if self._stopped:
                self._queue.remove(task)
                failed = task.failure and Result(task.step, "failed", error=task.failure, log=task.folder / "log")
                self._end(failed or Result(task.step, "skipped"))
            elif not self._executor.free:
                break
            elif task.key not in building and task.earliest <= time.monotonic() and self._claim(task):
                building.add(task.key)
                self._queue.remove(task)
                self._start(task)

    def _claim(self, task: Task) -> bool:
        """Claim what the task needs; ``False`` while another has it."""
        _ = self._store.workspaces  # makes the store's folders
        try:
            task.claim = self._claims.take(task.key, () if self._executor.distributed else task.step.resources)
        except TakenError as taken:
            if task.said != taken.what:
                task.said = taken.what
                words = f"another step holds {taken.what}" if taken.what else "another process builds it"
                self._tell(Event(task.step, "waiting", text=words))
            return False
        return True

    def _start(self, task: Task) -> None:
        if record := self._store.find(task.key):  # built by somebody else since we looked
            task.claim.release()
            self._end(Result(task.step, "cached", record))
            return
        step = task.step
        task.began = time.monotonic()
        task.tries += 1
        self._running[step.id] = task
        self._tell(Event(step, "started"))
        try:
            before, task.folder = task.folder, self._store.workspaces.new()
            (task.folder / "log").touch()
            if task.failure:  # one log tells of all tries
                (before / "log").rename(task.folder / "log")
            inputs = {name: found(given, self._records) for name, given in step.inputs.items()}
            self._executor.start(Order(step, task.key, task.ingredients, inputs, task.folder), self._store)
        except OSError as error:
            self._fail(task, disk_full(error, self._store.root) or StepError(f"cannot start: {error}"))

    # A step that is running: what it says, and how it ends.

    def _listen(self) -> None:
        if self._transfer:
            self._hear_transfer(0.0 if self._running else _POLL if self._queue else _PATIENT)
        elif not self._running:
            time.sleep(_POLL)
        if not self._running:
            return
        limits = any(task.step.timeout is not None for task in self._running.values())
        hurry = limits or self._queue or self._fetching or (self._transfer and self._transfer.pushing)
        for name, message in self._executor.messages(_POLL if hurry else _PATIENT):
            task = self._running[name]
            if "warning" in message:
                self._tell(Event(task.step, "warning", text=message["warning"]))
            elif "progress" in message:
                self._tell(Event(task.step, "progress", message["progress"], message["text"]))
            elif "done" in message:
                self._finish(task, message["done"])
            elif "record" in message:
                self._keep(task, message["record"])
            else:
                self._fail_or_retry(task, failure(message))
        for task in list(self._running.values()):
            limit = task.step.timeout
            if limit is not None and not self._executor.distributed and time.monotonic() - task.began > limit:
                self._executor.stop(task.step.id)
                self._fail(task, timed_out(limit))

    def _finish(self, task: Task, metrics: dict[str, Any]) -> None:
        step = task.step
        try:
            if changed := self._keys.changed(step, task.ingredients):
                words = f"{changed} changed while {step.name} was reading it; the result is not kept"
                raise StepError(words, remedy="run again")
            seconds = time.monotonic() - task.began
            record = keep(self._store, step, task.key, task.ingredients, task.folder, metrics, seconds)
        except (StepError, OSError) as error:
            self._fail(task, error if isinstance(error, StepError) else StepError(f"cannot keep the result: {error}"))
            return
        self._keep(task, record)
        if self._transfer:
            self._transfer.push(step.id, record)

    def _keep(self, task: Task, record: Record) -> None:
        """The step is done, and its result in the store."""
        with contextlib.suppress(OSError):  # only explanations read it
            self._store.note_code(self._keys.code_parts(task.step))
        self._release(task)
        self._end(Result(task.step, "built", record, seconds=record.seconds))

    def _fail_or_retry(self, task: Task, error: RecipebuildError) -> None:
        """Try a step again that something outside did not answer; else it has failed."""
        if not isinstance(error, UnreachableError) or task.tries > task.step.retries or self._stopped:
            self._fail(task, error)
            return
        self._release(task)
        wait = 2.0 ** (task.tries - 1)
        task.failure, task.earliest = error, time.monotonic() + wait
        self._queue.append(task)
        self._tell(Event(task.step, "retrying", text=f"{error.message}; again in {wait:g} s"))

    def _fail(self, task: Task, error: RecipebuildError) -> None:
        self._release(task)
        self._stopped = not self._keep_going
        seconds = round(time.monotonic() - task.began, 3)
        self._end(Result(task.step, "failed", error=error, log=task.folder / "log", seconds=seconds))

    def _release(self, task: Task) -> None:
        del self._running[task.step.id]
        task.claim.release()

    def _end(self, result: Result) -> None:
        step = result.step
        self._results[step.id] = result
        if record := result.record:
            if record.key not in self._known:
                self._store.used(record)
            self._records[step.id] = self._known[record.key] = record
        for name in self._followers[step.id]:
            self._missing[name] -= 1
            if not self._missing[name]:
                self._ready.append(name)
        metrics = dict(result.record.metrics) if result.record else None
        self._tell(Event(step, result.status, seconds=result.seconds, metrics=metrics))

    def _interrupt(self) -> None:
        """What was running has failed; what had not begun stays without a result."""
        self._executor.close()
        if self._transfer:
            self._transfer.abandon()
        for task in list(self._running.values()):
            self._fail(task, Interrupted("interrupted"))
        if self._transfer and self._transfer.unpushed:
            first, count = self._transfer.unpushed[0], len(self._transfer.unpushed)
            words = f"interrupted before {count} {'results were' if count > 1 else 'result was'} in the remote store"
            self._tell(
                Event(self._steps[first], "warning", text=f"{words}; recipebuild cache push sends what is missing")
            )
