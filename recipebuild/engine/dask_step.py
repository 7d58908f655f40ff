"""Running a step on a Dask worker: the worker's side of ``dask_pool.py``.

A step runs in a process of its own (``worker.py``), started for it: it gets an empty working folder and a log, cannot
take the Dask worker down with it, and never sees modules of an earlier run. Inputs come from the shared store, outputs
go there; through Dask go only records.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipebuild.engine.executor import Files, Order, facts
from recipebuild.engine.installed import installed_version
from recipebuild.engine.keys import Keys
from recipebuild.engine.pool import Pool
from recipebuild.engine.record import record_as_json
from recipebuild.engine.remote import Remote
from recipebuild.engine.store import Store, own_store
from recipebuild.engine.worker import error_message
from recipebuild.errors import CheckError, MissingError, RecipebuildError, StepError

_LOOK = 0.2
"""Seconds between looks at whether anybody still wants the result."""

_LOG_TAIL = 1 << 20
"""Of a failed step's log, so many bytes go back to the run."""


def run_order(order: Order, place: str, damaged: frozenset[str], topic: str) -> dict[str, Any]:
    """Run a step; Dask calls this in a thread of one of its workers.

    Args:
        order: The step; its inputs all lie in the store.
        place: The shared store: a folder that all see, or a remote store's URL.
        damaged: What the run found to be damaged in a remote store, and is to be replaced.
        topic: Dask's topic for messages while the step runs.

    Returns:
        ``{"record": its record}``, once that is in the store; or ``{"error": fields}`` or ``{"died": exit status}``
        with the end of its ``log``.
    """
    from distributed import get_worker

    worker = get_worker()
    task = worker.get_current_task()

    def tell(message: dict[str, Any]) -> None:
        worker.log_event(topic, {"name": order.step.id, **message})

    def wanted() -> bool:
        # A task whose future was released, or whose client is gone, is no longer "executing".
        state = worker.state.tasks.get(task)
        return state is not None and state.state == "executing"

    tell({"progress": 0.0, "text": f"on {worker.address}"})
    try:
        remote = Remote(place) if "://" in place else None
        if remote:
            remote.damaged |= damaged
        store = Store(own_store() if remote else Path(place))
        if not remote and not store.actions.is_dir():
            raise MissingError(f"the worker {worker.address} does not see the store {place}", remedy=_SHARE)
        return _run(order, store, remote, worker.address, tell, wanted)
    except CheckError as error:  # a damaged blob: no check of the step's own
        return error_message(StepError(error.message, remedy="run again"))
    except RecipebuildError as error:
        return error_message(error)
    except OSError as error:
        return error_message(StepError(f"on {worker.address}: {error}"))


def _run(
    order: Order,
    store: Store,
    remote: Remote | None,
    worker: str,
    tell: Callable[[dict[str, Any]], None],
    wanted: Callable[[], bool],
) -> dict[str, Any]:
    pool = Pool(1)
    try:
        order = replace(order, folder=store.workspaces.new())
        _check_same(order, store, worker)
        blobs = [blob for files in order.inputs.values() if isinstance(files, Files) for blob in files.blobs]
        if remote:
            remote.bring(blobs, store)
        elif not all(store.holds(blob) for blob in blobs):
            raise MissingError(f"the worker {worker} does not find the inputs in {store.root}", remedy=_SHARE)
        began = time.monotonic()
        pool.start(order, store)
        message = _watch(pool, order, tell, wanted)
        if "done" not in message:
            return {**message, "log": _tail(order.folder / "log")}
        seconds = time.monotonic() - began
        out, log = order.folder / "out", order.folder / "log"
        record = store.publish(order.key, order.ingredients, out, log, **facts(order.step, message["done"], seconds))
        if remote:
            remote.push(record, store, goes_on=order.step.goes_on)
        return {"record": record_as_json(record)}
    finally:
        pool.close()
        store.close()


def _tail(log: Path) -> str:
    """The end of a log, if the step began one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _LOG_TAIL))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


_SHARE = "name a folder that all machines see under the same path, or a remote store's URL, with --store"


def _watch(
    pool: Pool, order: Order, tell: Callable[[dict[str, Any]], None], wanted: Callable[[], bool]
) -> dict[str, Any]:
    """Pass on what the step says, until it ends or nobody wants it; give the message that ends it."""
    while True:
        for _, message in pool.messages(_LOOK):
            if "progress" not in message:
                return message
            tell(message)
        if not wanted():
            pool.stop(order.step.id)
            return error_message(StepError("nobody waits for the result any more"))


def _check_same(order: Order, store: Store, worker: str) -> None:
    """Make sure that this worker has the code and the tools that the key was made of.

    Raises:
        MissingError: If it has others; it would put a wrong result under the key.
    """
    installed_version.cache_clear()
    installed = {tool: installed_version(tool) for tool in order.step.tools}
    for tool, version in order.ingredients["tools"].items():
        if installed[tool] != version:
            raise MissingError(
                f"the worker {worker} has {tool} {installed[tool] or 'not installed'}, the run has {version}",
                remedy="install the same versions on all machines",
            )
    try:
        code = Keys(store.stats).code(order.step)
    except ModuleNotFoundError:
        code = ""
    if code != order.ingredients["code"]:
        raise MissingError(
            f"the worker {worker} has another version of {order.step.module}",
            remedy="install the same version of recipebuild on all machines, and restart the workers",
        )
