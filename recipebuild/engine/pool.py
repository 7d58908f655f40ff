"""Worker processes, seen from the front process (their side is ``worker.py``)."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipebuild.engine.executor import Order, lay_out, timed_out
from recipebuild.engine.store import Store
from recipebuild.engine.worker import error_message

_GRACE = 1.0
"""Seconds between asking a worker to end and ending it."""

_HEAVY = 3 << 28
"""Bytes that a worker may hold between two steps; half of them are the code of torch and onnxruntime.

What these and onnxsim leave of a large model is never given back, and would be there on top of what the next step
needs; a new worker costs a second or three of imports.
"""


@dataclass(eq=False)
class Worker:
    """One worker process.

    Attributes:
        process: The process.
        order: The step that it runs.
        request: What it was told of that step.
        deadline: When the step is ended, in seconds of the monotonic clock.
        served: Whether it has run a step before.
        tools: What its steps have imported so far.
    """

    process: subprocess.Popen[bytes]
    order: Order | None = None
    request: dict[str, Any] = field(default_factory=dict)
    deadline: float = math.inf
    served: bool = False
    tools: set[str] = field(default_factory=set)
    buffer: bytes = b""


class Pool:
    """At most ``size`` worker processes, started when there is work for them."""

    distributed = False

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()

    @property
    def free(self) -> bool:
        """Whether a task could start now."""
        return self.busy < self._size

    @property
    def busy(self) -> int:
        """How many tasks are running."""
        return sum(worker.order is not None for worker in self._workers)

    def start(self, order: Order, store: Store) -> None:
        """Give the step to the idle worker that has most of its tools imported, or to a new one.

        A worker that dies while it is idle is none; if it dies before it begins the step, another one gets that.

        Raises:
            OSError: If its folder cannot be filled.
        """
        self._hand_out(order, lay_out(order, store))

    def _hand_out(self, order: Order, request: dict[str, Any]) -> None:
        tools = order.step.tools
        idle = [worker for worker in self._workers if worker.order is None]
        for worker in [worker for worker in idle if worker.process.poll() is not None]:
            self._discard(worker)  # it was killed
            idle.remove(worker)
        worker = max(idle, key=lambda w: len(w.tools.intersection(tools)), default=None) or self._spawn()
        worker.order, worker.request = order, request
        worker.deadline = math.inf if order.step.timeout is None else time.monotonic() + order.step.timeout
        worker.tools.update(tools)
        assert worker.process.stdin is not None  # noqa: S101 - it was opened with a pipe
        with contextlib.suppress(BrokenPipeError):  # a worker that died is found by ``messages``
            worker.process.stdin.write((json.dumps(request) + "\n").encode())
            worker.process.stdin.flush()

    def messages(self, timeout: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What running tasks have to say, waiting at most ``timeout`` seconds: (name of the task, message).

        A worker that died in the middle of a task gives ``{"died": its exit status}``; one whose time is over is ended.
        """
        if not self._workers:
            time.sleep(timeout)
            return
        deadline = min(worker.deadline for worker in self._workers if worker.order) if self.busy else math.inf
        for selected, _ in self._selector.select(max(0.0, min(timeout, deadline - time.monotonic()))):
            worker: Worker = selected.data
            if worker not in self._workers:  # it was found dead meanwhile
                continue
            data = os.read(selected.fd, 1 << 16)
            worker.buffer += data
            *lines, worker.buffer = worker.buffer.split(b"\n")
            for line in lines:
                message = json.loads(line)
                if worker.order is None:
                    continue
                name = worker.order.step.id
                if "progress" not in message:
                    worker.order, worker.served = None, True
                    if _held(worker.process.pid) > _HEAVY:
                        self._discard(worker)
                yield name, message
            if not data and worker in self._workers:
                status = self._discard(worker)
                if worker.order is None:
                    continue
                if worker.served and not Path(worker.request["log"]).exists():  # it died before it began
                    self._hand_out(worker.order, worker.request)
                else:
                    yield worker.order.step.id, {"died": status}
        for order in [worker.order for worker in self._workers if worker.order and worker.deadline <= time.monotonic()]:
            self.stop(order.step.id)
            yield order.step.id, error_message(timed_out(order.step.timeout or 0.0))

    def stop(self, name: str) -> None:
        """End the task ``name`` and its worker."""
        for worker in list(self._workers):
            if worker.order and worker.order.step.id == name:
                _end([worker.process])
                self._discard(worker)

    def close(self) -> None:
        """End all workers and all that they started."""
        _end([worker.process for worker in self._workers])
        for worker in list(self._workers):
            self._discard(worker)

    def _spawn(self) -> Worker:
        # Sets are ordered by hashes of strings: a fixed seed keeps what libraries write from them the same.
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "recipebuild.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches us only; and a worker can be ended with all that it started
        )
        worker = Worker(process)
        self._workers.append(worker)
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        return worker

    def _discard(self, worker: Worker) -> int:
        """Forget a worker that has ended; give its exit status."""
        assert worker.process.stdin is not None and worker.process.stdout is not None  # noqa: S101 - pipes
        self._workers.remove(worker)  # first: after Ctrl-C in here, nobody is to do it again
        self._selector.unregister(worker.process.stdout)
        with contextlib.suppress(BrokenPipeError):
            worker.process.stdin.close()
        worker.process.stdout.close()
        return worker.process.wait()


def _held(pid: int) -> int:
    """Bytes of memory that a process alone holds; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:  # noqa: PTH123 - hot
            _, resident, shared, *_ = file.read().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes with all that they started: ask, wait a moment, insist."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
