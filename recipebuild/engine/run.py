"""Running a plan: look each step up by its key, build what is missing, in parallel, and record it.

``run_steps`` is the engine's one entrance. It starts no process and writes nothing when all steps are in the store.
"""

from __future__ import annotations

import datetime
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from recipebuild.engine.claims import Claim, Claims, TakenError
from recipebuild.engine.events import Event, OnEvent
from recipebuild.engine.keys import Keys
from recipebuild.engine.pool import Pool
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Record, Store
from recipebuild.errors import KINDS, Interrupted, RecipebuildError, StepError, UnreachableError, disk_full

_POLL = 0.05
"""Seconds between looks at a lock that another process holds."""


@dataclass(frozen=True)
class Result:
    """How a step ended.

    Attributes:
        step: The step.
        status: ``skipped`` when a step before it failed, or the run was stopped.
        record: With ``built`` and ``cached``.
        error: With ``failed``.
        log: With ``failed``, if it had begun: its log, until the store's workspaces are closed.
        seconds: How long it ran in this run; 0 unless it was started.
    """

    step: Step
    status: Literal["built", "cached", "failed", "skipped"]
    record: Record | None = None
    error: RecipebuildError | None = None
    log: Path | None = None
    seconds: float = 0.0


def run_steps(
    steps: Sequence[Step],
    store: Store,
    *,
    jobs: int,
    keep_going: bool = False,
    slots: Mapping[str, int] = MappingProxyType({}),
    on_event: OnEvent = lambda event: None,
) -> dict[str, Result]:
    """Run a plan.

    Args:
        steps: The plan, in any order in which every step comes after those that it names.
        store: Where results are looked up and kept.
        jobs: How many steps may run at once.
        keep_going: After a failure, build all that does not depend on it; else start nothing more.
        slots: How many steps may hold a scarce resource at once, by its name; one where nothing is said.
        on_event: Called with each event, in this process.

    Returns:
        How each step ended, by its id. On Ctrl-C and SIGTERM, too: a step that was running has then failed with
        ``Interrupted``.

    Raises:
        RecipeError: If something must be built and the store cannot be written.
    """
    return _Run(steps, store, jobs, keep_going, slots, on_event).all()


@dataclass
class _Task:
    """A step that must be built: its ingredients and key, and once it is started where, since when.

    Attributes:
        claim: What it holds while it runs.
        said: What it was last said to wait for.
        failure: Why it failed the last time, if it is to be tried again; then not before ``earliest``.
        tries: How often it was started.
    """

    step: Step
    ingredients: dict[str, Any]
    key: str
    claim: Claim = field(default_factory=Claim)
    folder: Path = field(default_factory=Path)
    began: float = 0.0
    said: str | None = None
    failure: RecipebuildError | None = None
    earliest: float = 0.0
    tries: int = 0


class _Run:
    def __init__(
        self,
        steps: Sequence[Step],
        store: Store,
        jobs: int,
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
        self._pool = Pool(jobs)
        self._claims = Claims(store.root / "locks", slots)
        self._results: dict[str, Result] = {}
        self._records: dict[str, Record] = {}
        self._missing = {step.id: len(step.before) for step in steps}
        self._followers: dict[str, list[str]] = {step.id: [] for step in steps}
        for step in steps:
            for name in step.before:
                self._followers[name].append(step.id)
        self._ready = deque(step.id for step in steps if not self._missing[step.id])
        self._queue: list[_Task] = []
        self._running: dict[str, _Task] = {}

    def all(self) -> dict[str, Result]:
        try:
            while self._ready or self._queue or self._running:
                while self._ready:
                    self._settle(self._steps[self._ready.popleft()])
                self._start_queued()
                if self._running or (self._queue and not self._ready):
                    self._listen()
        except (KeyboardInterrupt, Interrupted):
            self._interrupt()
        finally:
            self._pool.close()
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
        key = self._keys.key(ingredients)
        if record := self._store.find(key):
            self._end(Result(step, "cached", record))
        else:
            self._queue.append(_Task(step, ingredients, key))

    # A step that must be built: start it when a worker, its key and its resources are free.

    def _start_queued(self) -> None:
        building = {task.key for task in self._running.values()}
        for task in list(self._queue):
            if self._stopped:
                self._queue.remove(task)
                failed = task.failure and Result(task.step, "failed", error=task.failure, log=task.folder / "log")
                self._end(failed or Result(task.step, "skipped"))
            elif not self._pool.free:
                break
            elif task.key not in building and task.earliest <= time.monotonic() and self._claim(task):
                building.add(task.key)
                self._queue.remove(task)
                self._start(task)

    def _claim(self, task: _Task) -> bool:
        """Claim what the task needs; ``False`` while another has it."""
        _ = self._store.workspaces  # makes the store's folders
        try:
            task.claim = self._claims.take(task.key, task.step.resources)
        except TakenError as taken:
            if task.said != taken.what:
                task.said = taken.what
                words = f"another step holds {taken.what}" if taken.what else "another process builds it"
                self._tell(Event(task.step, "waiting", text=words))
            return False
        return True

    def _start(self, task: _Task) -> None:
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
            (task.folder / "out").mkdir()
            (task.folder / "work").mkdir()
            request = {
                "module": step.module,
                "params": dict(step.params),
                "inputs": {name: str(self._input(task, name, given)) for name, given in step.inputs.items()},
                "out": str(task.folder / "out"),
                "work": str(task.folder / "work"),
                "log": str(task.folder / "log"),
            }
        except OSError as error:
            self._fail(task, disk_full(error, self._store.root) or StepError(f"cannot start: {error}"))
            return
        self._pool.start(step.id, request, step.tools)

    def _input(self, task: _Task, name: str, given: Output | Source) -> Path:
        """The path at which the step finds an input: the user's own, or links in the step's folder."""
        if isinstance(given, Source):
            return given.path
        folder = task.folder / "in" / name
        for blob in self._records[given.step].select(given.name):
            link = folder / blob.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(self._store.path(blob))
        return folder / given.name

    # A step that is running: what it says, and how it ends.

    def _listen(self) -> None:
        for name, message in self._pool.messages(_POLL if self._queue or self._limits else 60.0):
            task = self._running[name]
            if "progress" in message:
                self._tell(Event(task.step, "progress", message["progress"], message["text"]))
            elif "done" in message:
                self._finish(task, message["done"])
            elif "died" in message:
                self._fail(task, _death(message["died"]))
            else:
                error = message["error"]
                kind = KINDS[error.pop("kind")]
                self._fail_or_retry(task, kind(error.pop("message"), **error))
        for task in list(self._running.values()):
            limit = task.step.timeout
            if limit is not None and time.monotonic() - task.began > limit:
                self._pool.stop(task.step.id)
                self._fail(
                    task, StepError(f"timed out after {limit:g} s", remedy="look into the log for where it hung")
                )

    @property
    def _limits(self) -> bool:
        return any(task.step.timeout is not None for task in self._running.values())

    def _finish(self, task: _Task, metrics: dict[str, Any]) -> None:
        step = task.step
        try:
            if changed := self._keys.changed(step, task.ingredients):
                raise StepError(
                    f"{changed} changed while {step.name} was reading it; the result is not kept", remedy="run again"
                )
            self._store.note_code(self._keys.code_parts(step))
            record = self._store.publish(
                task.key,
                task.ingredients,
                task.folder / "out",
                task.folder / "log",
                metrics=metrics,
                seconds=round(time.monotonic() - task.began, 3),
                label=step.id,
                finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            )
        except (StepError, OSError) as error:
            self._fail(task, error if isinstance(error, StepError) else StepError(f"cannot keep the result: {error}"))
            return
        self._release(task)
        self._end(Result(step, "built", record, seconds=record.seconds))

    def _fail_or_retry(self, task: _Task, error: RecipebuildError) -> None:
        """Try a step again that something outside did not answer; else it has failed."""
        if not isinstance(error, UnreachableError) or task.tries > task.step.retries or self._stopped:
            self._fail(task, error)
            return
        self._release(task)
        wait = 2.0 ** (task.tries - 1)
        task.failure, task.earliest = error, time.monotonic() + wait
        self._queue.append(task)
        self._tell(Event(task.step, "retrying", text=f"{error.message}; again in {wait:g} s"))

    def _fail(self, task: _Task, error: RecipebuildError) -> None:
        self._release(task)
        self._stopped = not self._keep_going
        seconds = round(time.monotonic() - task.began, 3)
        self._end(Result(task.step, "failed", error=error, log=task.folder / "log", seconds=seconds))

    def _release(self, task: _Task) -> None:
        del self._running[task.step.id]
        task.claim.release()

    def _end(self, result: Result) -> None:
        step = result.step
        self._results[step.id] = result
        if result.record:
            self._store.used(result.record)
            self._records[step.id] = result.record
        for name in self._followers[step.id]:
            self._missing[name] -= 1
            if not self._missing[name]:
                self._ready.append(name)
        metrics = dict(result.record.metrics) if result.record else None
        self._tell(Event(step, result.status, seconds=result.seconds, metrics=metrics))

    def _interrupt(self) -> None:
        """What was running has failed; what had not begun stays without a result."""
        self._pool.close()
        for task in list(self._running.values()):
            self._fail(task, Interrupted("interrupted"))


def _death(status: int) -> StepError:
    if status == -9:
        return StepError(
            "the worker was killed, most often because memory ran out",
            remedy="run with -j 1, close other programs, or take a smaller input.shape",
        )
    return StepError(f"the worker ended with status {status}", remedy="look into the log for its last words")
