"""Running a plan: look each step up by its key, build what is missing, in parallel, and record it.

``run_steps`` is the engine's one entrance. It starts no process and writes nothing when all steps are in the store.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from recipebuild.engine.claims import Claims, TakenError
from recipebuild.engine.commits import Commits
from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.executor import Executor, Files, Order, cleared, facts, failure, resolve_input
from recipebuild.engine.keys import Keys
from recipebuild.engine.ledger import Ledger
from recipebuild.engine.pool import Pool
from recipebuild.engine.record import Record
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result, Task
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import Interrupted, MissingError, RecipebuildError, StepError, UnreachableError, disk_full

_POLL = 0.05
"""Seconds between looks at a lock that another process holds."""

_SLICE = 0.005
"""Seconds in which steps are looked up before those that run are heard again."""

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
    machine: Path | None = None,
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
        machine: Where runs with other stores see which scarce resources are held; ``None`` for the store alone.
        on_event: Called with each event, in this process.

    Returns:
        How each step ended, by its id. After Ctrl-C and SIGTERM, what was running has failed with ``Interrupted``, or
        one that would have been next.

    Raises:
        RecipeError: If something must be built and the store cannot be written.
    """
    claims = Claims(store.root / "locks", slots, machine)
    return _Run(steps, store, executor or Pool(jobs), transfer, keep_going, claims, on_event).all()


class _Run:
    def __init__(
        self,
        steps: Sequence[Step],
        store: Store,
        executor: Executor,
        transfer: Transfer | None,
        keep_going: bool,
        claims: Claims,
        on_event: OnEvent,
    ) -> None:
        self._ledger = Ledger(steps, store, on_event)
        self._store = store
        self._keep_going = keep_going
        self._stopped = False
        self._tell = on_event
        self._keys = Keys(store.stats)
        self._executor = executor
        self._transfer = transfer
        self._claims = claims
        self._fetching: dict[str, Task] = {}
        self._queue: list[Task] = []
        self._running: dict[str, Task] = {}
        self._commits = Commits(store)

    def all(self) -> dict[str, Result]:
        try:
            while self._ledger.ready or self._fetching or self._queue or self._running or self._commits.pending:
                until = time.monotonic() + _SLICE
                while self._ledger.ready and time.monotonic() < until:
                    self._settle(self._ledger.steps[self._ledger.ready.popleft()])
                self._start_queued()
                if not self._ledger.ready or (self._running and not self._executor.free):
                    self._listen()
            while self._transfer and self._transfer.pushing:
                self._hear_transfer(1.0)
        except (KeyboardInterrupt, Interrupted):
            self._interrupt()
        finally:
            self._executor.close()
            self._commits.close()
            for task in self._running.values():
                task.claim.release()
            self._store.stats.flush()
        return self._ledger.results()

    # A step whose inputs are there: cached, or to be built.

    def _settle(self, step: Step) -> None:
        if self._stopped or any(name not in self._ledger.records for name in step.before):
            self._ledger.end(Result(step, "skipped"))
            return
        try:
            ingredients = self._keys.ingredients(step, self._ledger.records)
        except StepError as error:
            self._stopped = not self._keep_going
            self._ledger.end(Result(step, "failed", error=error))
            return
        task = Task(step, ingredients, self._keys.key(ingredients))
        if record := self._ledger.find(task.key):
            self._ledger.end(Result(step, "cached", record))
        elif self._transfer:
            self._fetching[step.id] = task
            self._transfer.fetch(step.id, task.key, ingredients, self._goes_on(step))
        else:
            self._queue.append(task)

    def _hear_transfer(self, timeout: float) -> None:
        """What the transfer says of a remote store, waiting at most ``timeout`` seconds."""
        for name, message in self._transfer.messages(timeout) if self._transfer else ():
            step = self._ledger.steps[name]
            if "warning" in message:
                self._tell(Event(step, "warning", text=message["warning"]))
            elif "fetching" in message:
                self._tell(Event(step, "fetching"))
            elif record := message.get("fetched"):
                del self._fetching[name]
                self._ledger.end(Result(step, "cached", record))
            elif "fetched" in message:
                self._queue.append(self._fetching.pop(name))

    # A step that must be built: start it when a worker, its key and its resources are free.

    def _start_queued(self, *, early: bool = False) -> None:
        """Start what can be; ``early``: while those who are done still hold their resources."""
        if not self._queue:
            return
        building = {task.key for task in self._running.values()} | self._commits.pending.keys()
        for task in list(self._queue):
            if self._stopped:
                self._queue.remove(task)
                failed = task.failure and Result(task.step, "failed", error=task.failure, log=task.folder / "log")
                self._ledger.end(failed or Result(task.step, "skipped"))
            elif not self._executor.free:
                break
            elif early and task.step.resources:
                continue
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
            if task.waits_for != taken.what:
                task.waits_for = taken.what
                words = f"another step holds {taken.what}" if taken.what else "another process builds it"
                self._tell(Event(task.step, "waiting", text=words))
            return False
        return True

    def _start(self, task: Task) -> None:
        if record := self._ledger.find(task.key):  # built by somebody else since we looked
            task.claim.release()
            self._ledger.end(Result(task.step, "cached", record))
            return
        step = task.step
        task.began = time.monotonic()
        task.tries += 1
        self._running[step.id] = task
        self._tell(Event(step, "started"))
        try:
            before, task.folder = task.folder, self._store.workspaces.new()
            if task.failure:  # one log tells of all tries
                (before / "log").rename(task.folder / "log")
            inputs = {name: resolve_input(input_, self._ledger.records) for name, input_ in step.inputs.items()}
            if earlier := self._earlier(task):
                inputs["earlier"] = Files("", (*earlier.outputs, replace(earlier.log, name=".log")))
            self._executor.start(Order(step, task.key, task.ingredients, inputs, task.folder), self._store)
        except OSError as error:
            self._fail(task, disk_full(error, self._store.root) or StepError(f"cannot start: {error}"))
        except MissingError as error:
            self._fail(task, error)

    def _earlier(self, task: Task) -> Record | None:
        """The record that spares the task work, if there is one."""
        goes_on = self._goes_on(task.step)
        return self._store.alike(task.ingredients, goes_on) if goes_on else None

    def _goes_on(self, step: Step) -> Sequence[str]:
        """In what an earlier record may differ that spares the step work; elsewhere its outputs may not be there."""
        return () if self._executor.distributed else step.goes_on

    # A step that is running: what it says, and how it ends.

    def _listen(self) -> None:
        idle = not self._running and not self._ledger.ready
        if self._commits.pending:
            self._hear_commits(wait=idle)
        waiting = bool(self._queue or self._commits.pending)
        if self._transfer:
            self._hear_transfer(_POLL if idle and waiting else _PATIENT if idle and self._fetching else 0.0)
        elif idle and waiting:
            time.sleep(_POLL)
        if not self._running:
            return
        hurry = waiting or self._fetching or (self._transfer and self._transfer.pushing)
        done = []
        for name, message in self._executor.messages(0.0 if self._ledger.ready else _POLL if hurry else _PATIENT):
            task = self._running[name]
            if "warning" in message:
                self._tell(Event(task.step, "warning", text=message["warning"]))
            elif "progress" in message:
                self._tell(Event(task.step, "progress", message["progress"], message["text"]))
            elif "done" in message:
                done.append((task, facts(task.step, message["done"], time.monotonic() - task.began)))
            elif "record" in message:
                self._release(task)
                self._keep(task, message["record"])
            else:
                self._fail_or_retry(task, failure(message))
        if done:
            self._start_queued(early=True)  # who ran these has something to do meanwhile
        for task, record_facts in done:
            self._finish(task, record_facts)

    def _finish(self, task: Task, record_facts: dict[str, Any]) -> None:
        """Take what the step wrote; what reads it may begin while it is on its way to the disk."""
        step = task.step
        try:
            if changed := self._keys.changed(step, task.ingredients):
                words = f"{changed} changed while {step.name} was reading it; the result is not kept"
                raise StepError(words, remedy="run again")
            out, log = task.folder / "out", task.folder / "log"
            record = self._store.take(task.key, task.ingredients, out, log, **record_facts)
            if cleared(task.folder):
                self._store.workspaces.give_back(task.folder)
        except (StepError, OSError) as error:
            self._fail(task, error if isinstance(error, StepError) else StepError(f"cannot keep the result: {error}"))
            return
        del self._running[step.id]
        self._keep(task, record)
        task.claim.release_all_but(task.key)
        self._commits.begin(task, record)

    def _hear_commits(self, *, wait: bool) -> None:
        for task, record, error in self._commits.ended(wait=wait):
            if error:
                self._stopped = not self._keep_going
                self._ledger.end(Result(task.step, "failed", error=error))
            elif self._transfer:
                self._transfer.push(task.step.id, record, task.step.goes_on)

    def _keep(self, task: Task, record: Record) -> None:
        with contextlib.suppress(OSError):  # only explanations read it
            self._store.note_code(task.ingredients["code"], self._keys.code_parts(task.step))
        self._ledger.end(Result(task.step, "built", record, seconds=record.seconds))

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
        self._ledger.end(Result(task.step, "failed", error=error, log=task.folder / "log", seconds=seconds))

    def _release(self, task: Task) -> None:
        del self._running[task.step.id]
        task.claim.release()

    def _interrupt(self) -> None:
        """What was running has failed, or where nothing was, what is next; all else stays without a result."""
        self._executor.close()
        self._commits.close()
        self._hear_commits(wait=False)
        if not self._running and (step := self._ledger.next_step()):
            self._ledger.end(Result(step, "failed", error=Interrupted("interrupted")))
        for task in list(self._running.values()):
            self._fail(task, Interrupted("interrupted"))
        if self._transfer and (warning := self._transfer.abandon()):
            self._tell(Event(self._ledger.steps[self._transfer.unpushed[0]], "warning", text=warning))
