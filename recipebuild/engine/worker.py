"""A worker process: runs one step after another, so that heavy imports happen once.

Started as ``python -m recipebuild.engine.worker``. It reads tasks from standard input and writes messages to standard
output, one JSON object a line::

    > {"module": ..., "params": {...}, "inputs": {name: path}, "out": path, "work": path, "log": path}
    < {"progress": 0.5, "text": "image 16 of 32"}
    < {"done": {metrics}}   or   {"error": {"kind", "text", "field", "remedy", "metrics"}}

What a step prints, from Python or from a library in C, goes to its log. When standard input ends, the front process is
gone: the worker ends at once, with all that it started. SIGTERM unwinds the step first, so that it can end a container.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

from recipebuild.errors import INSTALL_ANYWHERE, KINDS, MissingError, RecipebuildError, StepError, disk_full


def main() -> None:
    """Serve tasks until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the front process decides, and says it with SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Copies that no child process inherits; what a step starts must neither read tasks nor write messages.
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, tasks), daemon=True).start()
    while True:
        task = tasks.get()
        _send(replies, _run(task, replies))


def _listen(requests: TextIO, tasks: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in requests:
        tasks.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


def _run(task: dict[str, Any], replies: TextIO) -> dict[str, Any]:
    """Run one step and give the message that ends it."""
    with _output_to(Path(task["log"])):
        os.chdir(task["work"])
        try:
            module = importlib.import_module(task["module"])
            params = module.Params.model_validate(task["params"])
            inputs = {name: Path(path) for name, path in task["inputs"].items()}
            metrics = module.run(inputs, params, Path(task["out"]), _Progress(replies))
            return {"done": metrics}
        except RecipebuildError as raised:
            error = disk_full(raised, task["out"]) or raised  # whatever a step took a full disk for
            logging.getLogger(__name__).error("%s", error.message)
            return error_message(disk_full(error, task["out"]) or error)
        except Exception as error:  # whatever a library throws must reach the user as one line
            traceback.print_exc()
            return error_message(_translate(error, task["out"]))
        finally:
            os.chdir("/")


class _Progress:
    def __init__(self, replies: TextIO) -> None:
        self._replies = replies

    def __call__(self, fraction: float, text: str = "") -> None:
        _send(self._replies, {"progress": min(max(fraction, 0.0), 1.0), "text": text})


def _send(replies: TextIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def error_message(error: RecipebuildError) -> dict[str, Any]:
    """The message that tells the front process of an error (``executor.failure`` reads it)."""
    kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in KINDS)  # a room's own is its base
    fields = {"text": error.text, "field": error.field, "remedy": error.remedy, "metrics": error.metrics}
    return {"error": {"kind": kind, **fields}}


def _translate(error: Exception, out: str) -> RecipebuildError:
    """The error of ours that an unforeseen one amounts to."""
    if full := disk_full(error, out):
        return full
    if isinstance(error, MemoryError):
        return StepError("out of memory", remedy="run with -j 1, close other programs, or use a smaller input.shape")
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("recipebuild"):
        return MissingError(f"the Python package {error.name} is not installed", remedy=INSTALL_ANYWHERE)
    lines = str(error).strip().splitlines() or [""]
    return RecipebuildError(
        f"unexpected {type(error).__name__}: {lines[0][:300]}", remedy="the traceback is in the step's log"
    )


@contextlib.contextmanager
def _output_to(log: Path) -> Any:
    """Send this process's standard output and error to ``log``, at the level of descriptors."""
    with log.open("ab", buffering=0) as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()
