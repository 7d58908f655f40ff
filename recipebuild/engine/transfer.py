"""Threads that fetch from a remote store and push to it while a run goes on.

A remote never fails a build. Trouble is told once, and the run goes on without: after a failure to read nothing is
moved any more, after a failure to write nothing is written. Damaged things are built here; the first is told. A server
that stops moving bytes is given up on; the thread that waits for it is left behind.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recipebuild.engine.record import Record
from recipebuild.engine.remote import Remote
from recipebuild.engine.store import Store
from recipebuild.errors import CheckError, RecipebuildError, reason

_THREADS = 4
"""At most so many fetch at once, and as many push."""

PATIENCE = 30.0
"""Seconds in which a chunk (8 MiB at most) must move, before the remote counts as too slow."""


@dataclass(eq=False)
class _Errand:
    """One thing to do: fetch what is under ``key``, or push ``record``; ``moved`` is when bytes last moved."""

    name: str
    key: str
    ingredients: Mapping[str, Any]
    goes_on: Sequence[str]
    record: Record | None = None
    moved: float | None = None

    def move(self) -> None:
        self.moved = time.monotonic()


class Transfer:
    """Runs errands between ``store`` and ``remote``; nothing is started until there is one.

    Attributes:
        unpushed: The names of pushes that an interruption left behind.
    """

    def __init__(self, store: Store, remote: Remote, patience: float = PATIENCE) -> None:
        self._store = store
        self._remote = remote
        self._patience = patience
        self.unpushed: list[str] = []
        self._gave_up = {"read": False, "write": False}
        self._warned: set[bool] = set()  # whether of damage, and of other trouble
        self._open: dict[str, set[_Errand]] = {"read": set(), "write": set()}
        self._waiting: dict[str, queue.SimpleQueue[_Errand]] = {n: queue.SimpleQueue() for n in self._open}
        self._threads = {"read": 0, "write": 0}
        self._outcomes: queue.SimpleQueue[tuple[_Errand, dict[str, Any]]] = queue.SimpleQueue()

    @property
    def pushing(self) -> bool:
        """Whether pushes are under way."""
        return bool(self._open["write"])

    def fetch(self, name: str, key: str, ingredients: Mapping[str, Any], goes_on: Sequence[str] = ()) -> None:
        """Look for ``key``; the answer is the message ``{"fetched": record or None}``.

        Where there is none, and nothing here, a record that spares the step work is brought (``Step.goes_on``).

        Raises:
            RecipeError: If the local store cannot be written, or the remote's protocol is unknown.
        """
        self._do("read", _Errand(name, key, ingredients, goes_on))

    def push(self, name: str, record: Record, goes_on: Sequence[str] = ()) -> None:
        """Write a record and what it names; ``{"pushed": whether it is there now}`` says when that is over."""
        self._do("write", _Errand(name, record.key, record.ingredients, goes_on, record))

    def messages(self, timeout: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What errands have to say, waiting at most ``timeout`` seconds for the first: (their name, message).

        Besides the answers there are ``{"fetching": True}``, and ``{"warning": text}`` for what should be told.
        """
        wait = min(timeout, self._patience / 4)
        try:
            while True:
                errand, message = self._outcomes.get(timeout=wait) if wait > 0 else self._outcomes.get_nowait()
                wait = 0
                yield from self._pass_on(errand, message)
        except queue.Empty:
            yield from self._stalled()

    def abandon(self) -> str:
        """Leave all that is under way behind, as the run is interrupted; a warning if that are pushes."""
        self.unpushed = sorted(errand.name for errand in self._open["write"])
        for errands in self._open.values():
            errands.clear()
        if not self.unpushed:
            return ""
        results = f"{len(self.unpushed)} results were" if len(self.unpushed) > 1 else "1 result was"
        return f"RB802 interrupted before {results} in the remote store; recipebuild cache push sends what is missing"

    def _do(self, kind: str, errand: _Errand) -> None:
        self._open[kind].add(errand)
        if self._gave_up[kind]:
            self._outcomes.put((errand, {"failed": None}))
            return
        _ = self._store.workspaces  # made here, not in a thread
        if not any(self._threads.values()):
            self._remote.check()
        self._waiting[kind].put(errand)
        if self._threads[kind] < min(_THREADS, len(self._open[kind])):
            self._threads[kind] += 1
            threading.Thread(target=self._serve, args=(kind,), name=f"remote-{kind}", daemon=True).start()

    def _serve(self, kind: str) -> None:
        while True:
            errand = self._waiting[kind].get()
            if self._gave_up[kind]:
                self._outcomes.put((errand, {"failed": None}))
                continue
            errand.move()
            try:
                self._outcomes.put((errand, self._run(errand)))
            except RecipebuildError as error:
                self._outcomes.put((errand, {"failed": error}))
            except Exception as error:  # whatever a library throws must not end the thread unheard
                self._outcomes.put((errand, {"failed": RecipebuildError(f"{self._remote.name}: {reason(error)}")}))

    def _run(self, errand: _Errand) -> dict[str, Any]:
        if errand.record:
            self._remote.push(errand.record, self._store, errand.move, errand.goes_on)
            return {"pushed": True}

        def exists() -> None:
            self._outcomes.put((errand, {"fetching": True}))

        fetched = self._remote.fetch(errand.key, self._store, errand.move, exists)
        if not fetched and errand.goes_on and not self._store.alike(errand.ingredients, errand.goes_on):
            self._remote.fetch_alike(errand.ingredients, errand.goes_on, self._store, errand.move)
        return {"fetched": fetched}

    # In the run's own thread: what errands said.

    def _pass_on(self, errand: _Errand, message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        kind = "write" if errand.record else "read"
        if errand not in self._open[kind]:  # it was left behind
            return
        if "fetching" not in message:
            self._open[kind].discard(errand)
        if "failed" in message:
            yield from self._fail(errand, kind, message["failed"])
        else:
            yield errand.name, message

    def _fail(self, errand: _Errand, kind: str, error: RecipebuildError | None) -> Iterator[tuple[str, dict[str, Any]]]:
        damaged = isinstance(error, CheckError)
        if error and not damaged:
            self._give_up(kind)
        if error and damaged not in self._warned:
            self._warned.add(damaged)
            then = "results stay on this machine" if kind == "write" else "the run goes on without it"
            yield errand.name, {"warning": f"RB802 {error.message}; {'it is built here' if damaged else then}"}
        yield errand.name, {"pushed": False} if errand.record else {"fetched": None}

    def _give_up(self, kind: str) -> None:
        self._gave_up[kind] = True
        if kind == "read":
            self._gave_up["write"] = True

    def _stalled(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give up when bytes have not moved for too long; all that is under way is then left behind."""
        now = time.monotonic()
        for kind, errands in self._open.items():
            if any(errand.moved is not None and now - errand.moved > self._patience for errand in errands):
                doing = "answers" if kind == "read" else "takes data"
                error = RecipebuildError(f"the store {self._remote.name} {doing} too slowly")
                for errand in list(errands):
                    errands.discard(errand)
                    yield from self._fail(errand, kind, error)
