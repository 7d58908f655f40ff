"""Results on their way to the disk, in threads, while steps that read them go on.

A file system writes its journal once for all who wait for it, so a few threads wait as long as one.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from recipebuild.engine.record import Record
from recipebuild.engine.store import Store
from recipebuild.engine.task import Task
from recipebuild.errors import StepError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_THREADS = 8
"""At most so many results are written at once."""

_MOST = 64
"""So many results may be on their way; each holds the lock on its key, and so a descriptor."""


class Commits:
    """Commits to ``store``; nothing is started until there is one.

    Attributes:
        pending: The tasks whose results are on their way, by key.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads: ThreadPoolExecutor | None = None
        self._ended: queue.SimpleQueue[tuple[Task, Record, StepError | None]] = queue.SimpleQueue()
        self.pending: dict[str, Task] = {}

    def begin(self, task: Task, record: Record) -> None:
        """Record a step's result, whose files were taken into the store, and give back what the step had claimed."""
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # a run with nothing to do starts without it

            self._threads = ThreadPoolExecutor(_THREADS, "commit")
        self.pending[task.key] = task
        self._threads.submit(self._commit, task, record)

    def ended(self, *, wait: bool) -> list[tuple[Task, Record, StepError | None]]:
        """The commits that have ended, each with its error if it failed; with ``wait``, at least one.

        It waits, too, if too many are on their way.
        """
        ended = []
        wait = wait or len(self.pending) >= _MOST
        while self.pending and (wait or not self._ended.empty()):
            task, record, error = self._ended.get()
            del self.pending[task.key]
            ended.append((task, record, error))
            wait = False
        return ended

    def close(self) -> None:
        """Wait until all that was begun is on the disk."""
        if self._threads:
            self._threads.shutdown()

    def _commit(self, task: Task, record: Record) -> None:
        error: StepError | None = None
        try:
            self._store.commit(record)
        except StepError as failure:
            error = failure
        except Exception as failure:  # whatever it is must not end the thread unheard
            error = StepError(f"cannot keep the result: {failure}")
        task.claim.release()
        self._ended.put((task, record, error))
